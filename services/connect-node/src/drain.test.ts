import { describe, expect, test } from "vitest";
import { type Client, Stage } from "../test/stage.ts";
import { Drain, type DrainProgress } from "./drain.ts";

const ACCEPT_MS = 5_000;
const HAND_OVER_MS = 60_000;

class DrainStage extends Stage {
  readonly drain: Drain;
  readonly reports: DrainProgress[] = [];
  isDone = false;

  constructor(acceptMs = ACCEPT_MS, handOverMs = HAND_OVER_MS) {
    super();
    const { hub, sessions } = this.core;
    const onProgress = (progress: DrainProgress) => this.reports.push(progress);
    this.drain = new Drain({ hub, sessions, clock: this.clock, acceptMs, handOverMs, onProgress });
  }

  begin(): void {
    void this.drain.run().then(() => {
      this.isDone = true;
    });
  }

  /** Lets time pass in steps, for each of which the drain wakes up. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      await this.settle(2);
      this.clock.advance(Math.min(100, ms - passed));
    }
    await this.settle(4);
  }
}

const isTold = ({ frames }: Client) => frames.some(({ type }) => type === "reconnect");
const clientsOf = (stage: Stage, count: number) =>
  Array.from({ length: count }, (_, index) => stage.open(`u${index}`));

describe("a drain", () => {
  test("still accepts for a while, tells all over three quarters of its time, then closes the rest", async () => {
    const stage = new DrainStage();
    const clients = clientsOf(stage, 100);
    expect(stage.drain).toMatchObject({ begun: false, accepts: true });
    stage.begin();
    expect(stage.drain).toMatchObject({ begun: true, accepts: true });
    expect(stage.drain.progress()).toEqual({ phase: "accepting", sessions: 100, told: 0 });

    await stage.pass(ACCEPT_MS - 100);
    expect(stage.drain.accepts).toBe(true);
    expect(clients.some(isTold)).toBe(false);
    await stage.pass(100);
    expect(stage.drain).toMatchObject({ accepts: false });

    await stage.pass(HAND_OVER_MS * 0.375);
    const half = clients.filter(isTold).length;
    expect(half).toBeGreaterThan(40);
    expect(half).toBeLessThan(60);
    expect(stage.drain.progress()).toMatchObject({ phase: "handing over", told: half });
    await stage.pass(HAND_OVER_MS * 0.375);
    expect(clients.every(isTold)).toBe(true);
    expect(clients.some(({ socket }) => socket.closed !== undefined)).toBe(false);
    expect(stage.isDone).toBe(false);

    await stage.pass(HAND_OVER_MS * 0.25);
    expect(clients.every(({ socket }) => socket.closed?.code === 1012)).toBe(true);
    expect(stage.drain.progress()).toEqual({ phase: "drained", sessions: 0, told: 100 });
    expect(stage.isDone).toBe(true);
  });

  test("says how far it is at each phase, and each five seconds while clients are told", async () => {
    const stage = new DrainStage(ACCEPT_MS, 20_000);
    clientsOf(stage, 100);
    stage.begin();
    await stage.pass(ACCEPT_MS + 20_000);
    expect(stage.reports.map(({ phase }) => phase)).toEqual([
      "accepting",
      ...Array.from({ length: 4 }, () => "handing over"),
      "drained",
    ]);
    expect(stage.reports.at(-2)).toMatchObject({ told: 100, sessions: 100 });
    expect(stage.reports.at(-1)).toMatchObject({ told: 100, sessions: 0 });
  });

  test("tells each client once, to come again within the time that is left", async () => {
    const stage = new DrainStage(0, 4_000);
    const clients = clientsOf(stage, 30);
    stage.begin();
    await stage.pass(4_000);
    const waits = clients.map(({ frames }) => {
      const told = frames.flatMap((frame) => (frame.type === "reconnect" ? [frame.afterMs] : []));
      expect(told).toHaveLength(1);
      return told[0] ?? -1;
    });
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...waits)).toBeLessThan(1_000);
    expect(new Set(waits).size).toBeGreaterThan(5);
  });

  test("ends as soon as all clients have gone", async () => {
    const stage = new DrainStage(0);
    const clients = clientsOf(stage, 10);
    stage.begin();
    await stage.pass(1_000);
    expect(stage.isDone).toBe(false);
    for (const { session } of clients) stage.core.sessions.ended(session);
    await stage.pass(100);
    expect(stage.isDone).toBe(true);
  });

  test("of a node without clients takes only the time in which it accepts", async () => {
    const stage = new DrainStage(300);
    stage.begin();
    await stage.pass(200);
    expect(stage.isDone).toBe(false);
    await stage.pass(100);
    expect(stage.isDone).toBe(true);
  });

  test("without time for handing over closes all at once, in slices", async () => {
    const stage = new DrainStage(0, 0);
    const clients = clientsOf(stage, 450);
    stage.begin();
    await stage.settle();
    expect(clients.every(({ socket }) => socket.closed?.code === 1012)).toBe(true);
    expect(clients.some(isTold)).toBe(false);
    expect(stage.isDone).toBe(true);
  });

  test("is one, however often it is begun", async () => {
    const stage = new DrainStage(0, 1_000);
    const [client] = clientsOf(stage, 1);
    const first = stage.drain.run();
    expect(stage.drain.run()).toBe(first);
    await stage.pass(1_000);
    expect(client?.frames.filter(({ type }) => type === "reconnect")).toHaveLength(1);
  });

  test("takes a client that came while it accepted as it takes the others", async () => {
    const stage = new DrainStage();
    stage.begin();
    await stage.pass(ACCEPT_MS / 2);
    const late = stage.open("late");
    await stage.pass(ACCEPT_MS / 2 + HAND_OVER_MS);
    expect(isTold(late)).toBe(true);
    expect(late.socket.closed?.code).toBe(1012);
  });
});
