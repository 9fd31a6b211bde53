import { describe, expect, it } from "vitest";
import { FakeNetwork } from "../src/testing/index.ts";
import { A, answerJoin, answerResume, message, Scene } from "./scene.ts";
import { settle } from "./scripted-server.ts";

const HOUR_MS = 3_600_000;

async function joined() {
  const network = new FakeNetwork();
  const scene = new Scene({ network });
  scene.room();
  const first = await scene.welcome({ [A]: 10 });
  answerJoin(first, { position: { [A]: 10 } });
  return { scene, network, first };
}

describe("a device that slept", () => {
  it("asks at once whether the connection still lives, and takes it for dead without an answer", async () => {
    const { scene, first } = await joined();
    scene.clock.moveWallClock(HOUR_MS);
    scene.clock.advance(2_000);
    expect(first.received.at(-1)).toEqual({ type: "ping" });
    scene.clock.advance(4_999);
    expect(first.isOpen).toBe(true);
    scene.clock.advance(1);
    expect(scene.client.state).toMatchObject({ name: "LOST", retry: true });
    await scene.untilRetried();
    const second = await scene.welcome({ [A]: 90 });
    expect(second.last("join").away_ms).toBe(HOUR_MS + 7_000 + 500);
    expect(second.last("resume").away_ms).toBe(HOUR_MS + 7_000 + 500);
  });

  it("counts the sleep as away, whatever it still reads of before", async () => {
    const { scene, first } = await joined();
    scene.clock.moveWallClock(HOUR_MS);
    first.send(message(A, 11));
    first.send({ type: "position", position: { [A]: 12 } });
    expect(scene.news()).toEqual(["room A-11"]);
    expect(first.received.at(-1)).toEqual({ type: "ping" });
    first.close(1006);
    await scene.untilRetried();
    const second = await scene.welcome({ [A]: 90 });
    expect(second.last("join")).toMatchObject({ position: { [A]: 12 }, away_ms: HOUR_MS + 500 });
  });

  it("counts it also in a hand-over to which it was asked before it slept", async () => {
    const { scene, first } = await joined();
    scene.clock.moveWallClock(HOUR_MS);
    first.send({ type: "reconnect", after_ms: 0, reason: "drain" });
    scene.clock.advance(0);
    const second = await scene.welcome({ [A]: 90 });
    expect(second.last("join").away_ms).toBe(HOUR_MS);
    expect(second.last("resume").away_ms).toBe(HOUR_MS);
  });

  it("counts it also where it slept before the new connection of a hand-over was welcomed", async () => {
    const { scene, first } = await joined();
    first.send({ type: "reconnect", after_ms: 0, reason: "drain" });
    scene.clock.advance(0);
    await settle();
    scene.clock.moveWallClock(HOUR_MS);
    const second = await scene.welcome({ [A]: 90 });
    expect(second.last("join").away_ms).toBe(HOUR_MS);
    expect(second.last("resume").away_ms).toBe(HOUR_MS);
  });

  it("goes on as before once the server has answered every ping", async () => {
    const { scene, first } = await joined();
    scene.clock.moveWallClock(HOUR_MS);
    first.send(message(A, 11));
    scene.clock.moveWallClock(HOUR_MS);
    first.send({ type: "pong" });
    first.send({ type: "reconnect", after_ms: 1_000, reason: "drain" });
    first.send({ type: "pong" });
    scene.clock.advance(1_000);
    expect((await scene.welcome()).last("join").away_ms).toBe(0);
  });

  it("takes a connection for dead also where its timers run once a minute", async () => {
    const { scene, first } = await joined();
    const minute = () => {
      scene.clock.moveWallClock(58_000);
      scene.clock.advance(2_000);
    };
    minute();
    expect(first.received.at(-1)).toEqual({ type: "ping" });
    first.send({ type: "pong" });
    minute();
    minute();
    expect(scene.client.state).toMatchObject({ name: "LOST", retry: true });
    await scene.untilRetried();
    expect((await scene.welcome()).last("join").away_ms).toBe(120_000 + 500);
  });

  it("does not take a connection for new that was opened before it slept", async () => {
    const { scene, first } = await joined();
    first.drop();
    await scene.untilRetried();
    scene.clock.moveWallClock(HOUR_MS);
    const second = await scene.welcome({ [A]: 10 });
    expect(second.last("join").away_ms).toBe(HOUR_MS + 500);
    expect(second.received.map(({ type }) => type)).toContain("ping");
  });
});

describe("a network that comes and goes", () => {
  it("is tried at once when it is back, and hardly ever before", async () => {
    const { scene, network, first } = await joined();
    network.isOnline = false;
    expect(first.received.at(-1)).toEqual({ type: "ping" });
    scene.clock.advance(5_000);
    expect(scene.client.state).toMatchObject({ name: "LOST", retry: true, retryInMs: 30_000 });
    scene.clock.advance(29_999);
    await settle();
    expect(scene.server.connections).toHaveLength(1);
    network.isOnline = true;
    const second = await scene.welcome();
    answerResume(second, { position: { [A]: 10 }, recovered: true });
    answerJoin(second, { position: { [A]: 10 }, recovered: true });
    expect(scene.client.state.state).toBe("open");
    scene.clock.advance(30_000);
    await settle();
    expect(scene.server.connections).toHaveLength(2);
  });

  it("is tried now and then though the browser says that there is none", async () => {
    const { scene, network, first } = await joined();
    network.isOnline = false;
    first.drop();
    scene.clock.advance(30_000);
    await settle();
    expect(scene.server.connections).toHaveLength(2);
  });

  it("leaves a connection that answers alone", async () => {
    const { scene, network, first } = await joined();
    network.isOnline = false;
    first.send({ type: "pong" });
    network.isOnline = true;
    first.send({ type: "pong" });
    scene.clock.advance(10_000);
    expect(first.isOpen).toBe(true);
    expect(scene.client.state.state).toBe("open");
  });

  it("is nothing to a client that was closed", async () => {
    const { scene, network } = await joined();
    scene.client.close();
    network.isOnline = false;
    network.isOnline = true;
    await settle();
    expect(scene.server.connections).toHaveLength(1);
    expect(scene.clock.pendingTimers).toBe(0);
  });
});
