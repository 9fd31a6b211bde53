import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "@pushcast/runtime";
import { describe, expect, test } from "vitest";
import { Stage } from "../test/stage.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { Session } from "./session.ts";

const INTERVAL_MS = 16_000;

function wheel() {
  const clock = new ManualClock();
  const beats = new Map<Session, number[]>();
  const heartbeats = new Heartbeats({
    clock,
    intervalMs: INTERVAL_MS,
    beat: (session) => beats.set(session, [...(beats.get(session) ?? []), clock.monotonicMs()]),
  });
  heartbeats.start();
  return { clock, beats, heartbeats };
}

const sessions = (count: number) => {
  const stage = new Stage();
  return Array.from({ length: count }, (_, index) => stage.open(`u${index}`).session);
};

describe("Heartbeats", () => {
  test("serves each session once an interval, the first time after a whole one", () => {
    const { clock, beats, heartbeats } = wheel();
    const [session] = sessions(1) as [Session];
    clock.advance(2_500);
    heartbeats.add(session);
    clock.advance(4 * INTERVAL_MS);
    const [first = 0, ...rest] = beats.get(session) ?? [];
    expect(first - 2_500).toBeGreaterThan(INTERVAL_MS - INTERVAL_MS / 16);
    expect(first - 2_500).toBeLessThanOrEqual(INTERVAL_MS);
    expect(rest).toEqual([1, 2, 3].map((round) => first + round * INTERVAL_MS));
  });

  test("spreads sessions that came at different times", () => {
    const { clock, beats, heartbeats } = wheel();
    for (const session of sessions(16)) {
      heartbeats.add(session);
      clock.advance(INTERVAL_MS / 16);
    }
    clock.advance(INTERVAL_MS);
    const moments = [...beats.values()].map(([first]) => first);
    expect(new Set(moments).size).toBe(16);
  });

  test("serves those that came together in slices, and none that has gone meanwhile", async () => {
    const { clock, beats, heartbeats } = wheel();
    const all = sessions(600);
    for (const session of all) heartbeats.add(session);
    clock.advance(INTERVAL_MS);
    expect(beats.size).toBe(256);
    heartbeats.remove(all[599] as Session);
    await turn();
    expect(beats.size).toBe(512);
    await turn();
    expect(beats.size).toBe(599);
  });

  test("serves no session that was removed, also by another's beat", () => {
    const clock = new ManualClock();
    const [a, b] = sessions(2) as [Session, Session];
    const served: Session[] = [];
    const heartbeats = new Heartbeats({
      clock,
      intervalMs: INTERVAL_MS,
      beat: (session) => {
        served.push(session);
        heartbeats.remove(session);
      },
    });
    heartbeats.start();
    heartbeats.add(a);
    heartbeats.add(b);
    heartbeats.remove(b);
    heartbeats.remove(b);
    clock.advance(3 * INTERVAL_MS);
    expect(served).toEqual([a]);
  });

  test("has one timer, from start to stop", () => {
    const { clock, heartbeats } = wheel();
    for (const session of sessions(20)) heartbeats.add(session);
    expect(clock.pendingTimers).toBe(1);
    heartbeats.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});
