import { ManualClock } from "@pushcast/runtime";
import { describe, expect, test } from "vitest";
import { Admission, type AdmissionInit } from "./admission.ts";

const ANN = { userId: "ann", address: "192.0.2.1" };

class AdmissionStage {
  readonly clock = new ManualClock();
  readonly node = { starting: false, draining: false, sessions: 0 };
  readonly ofUsers = new Map<string, number>();
  readonly ofAddresses = new Map<string, number>();
  readonly admission: Admission;

  constructor(given: Partial<AdmissionInit> = {}) {
    this.admission = new Admission({
      clock: this.clock,
      random: () => 0,
      ratePerSecond: 10,
      burst: 5,
      maxSessions: 1_000_000,
      maxSessionsPerUser: 2,
      maxSessionsPerAddress: 0,
      ratePerAddress: 0,
      maxRetryAfterSeconds: 30,
      isStarting: () => this.node.starting,
      isDraining: () => this.node.draining,
      openSessions: () => this.node.sessions,
      sessionsOfUser: (userId) => this.ofUsers.get(userId) ?? 0,
      sessionsOfAddress: (address) => this.ofAddresses.get(address) ?? 0,
      ...given,
    });
  }

  /** The answers to so many handshakes at once: "admitted" or the code of the refusal. */
  ask(handshakes: number): string[] {
    return Array.from(
      { length: handshakes },
      () => this.admission.admit(ANN.address)?.code ?? "admitted",
    );
  }

  admittedOf(handshakes: number): number {
    return this.ask(handshakes).filter((answer) => answer === "admitted").length;
  }

  /** The waits of so many handshakes at once, all of which are refused. */
  waits(handshakes: number): number[] {
    return Array.from({ length: handshakes }, () => {
      const refusal = this.admission.admit(ANN.address);
      if (refusal === undefined) throw new Error("it was admitted");
      return refusal.retryAfterSeconds;
    });
  }
}

describe("handshakes are admitted", () => {
  test("as many at once as the burst, and then at the rate", () => {
    const stage = new AdmissionStage();
    expect(stage.ask(7)).toEqual([
      ...Array(5).fill("admitted"),
      ...Array(2).fill("TOO_MANY_HANDSHAKES"),
    ]);
    stage.clock.advance(99);
    expect(stage.admittedOf(1)).toBe(0);
    stage.clock.advance(1);
    expect(stage.admittedOf(2)).toBe(1);
    stage.clock.advance(300);
    expect(stage.admittedOf(9)).toBe(3);
  });

  test("no more than the burst after a long quiet time", () => {
    const stage = new AdmissionStage();
    stage.clock.advance(3_600_000);
    expect(stage.admittedOf(100)).toBe(5);
  });

  test("at the rate under a storm that does not end", () => {
    const stage = new AdmissionStage({ ratePerSecond: 1000, burst: 50 });
    let admitted = 0;
    for (let ms = 0; ms < 10_000; ms += 10) {
      admitted += stage.admittedOf(100);
      stage.clock.advance(10);
    }
    expect(admitted).toBeGreaterThanOrEqual(10_000);
    expect(admitted).toBeLessThanOrEqual(10_050);
  });
});

describe("a node that takes no session", () => {
  test("says why: it is starting, draining, or full", () => {
    const stage = new AdmissionStage({ maxSessions: 3 });
    stage.node.starting = true;
    expect(stage.ask(1)).toEqual(["NODE_STARTING"]);
    stage.node.starting = false;
    stage.node.draining = true;
    expect(stage.ask(1)).toEqual(["NODE_DRAINING"]);
    stage.node.draining = false;
    stage.node.sessions = 3;
    expect(stage.ask(1)).toEqual(["NODE_FULL"]);
    stage.node.sessions = 2;
    expect(stage.ask(1)).toEqual(["admitted"]);
  });

  test("spends nothing of what it may admit later", () => {
    const stage = new AdmissionStage();
    stage.node.starting = true;
    stage.ask(100);
    stage.node.starting = false;
    expect(stage.admittedOf(100)).toBe(5);
  });
});

describe("a refused client is told to come again", () => {
  test("after one to three seconds when few were refused", () => {
    for (const [random, seconds] of [
      [0, 1],
      [0.5, 2],
      [0.999_999, 3],
    ] as const) {
      const stage = new AdmissionStage({ ratePerSecond: 1000, burst: 1, random: () => random });
      stage.ask(1);
      expect(stage.waits(1)).toEqual([seconds]);
    }
  });

  test("one after another, as fast as the backlog is admitted", () => {
    const stage = new AdmissionStage({ ratePerSecond: 100, burst: 1 });
    stage.ask(1);
    const waits = stage.waits(1000);
    for (let second = 1; second <= 10; second += 1) {
      expect(waits.filter((wait) => wait === second)).toHaveLength(100);
    }
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  });

  test("sooner when the backlog has become shorter", () => {
    const stage = new AdmissionStage({ ratePerSecond: 100, burst: 1 });
    stage.node.draining = true;
    expect(stage.waits(1000).at(-1)).toBe(10);
    stage.clock.advance(9_000);
    expect(stage.waits(1)).toEqual([2]);
    stage.clock.advance(60_000);
    expect(stage.waits(1)).toEqual([1]);
  });

  test("never later than the longest time, and still not all together", () => {
    let draw = 0;
    const random = () => {
      draw = (draw + 0.37) % 1;
      return draw;
    };
    const stage = new AdmissionStage({ burst: 1, maxRetryAfterSeconds: 8, random });
    stage.ask(1);
    const late = stage.waits(10_000).slice(-1000);
    expect([...new Set(late)].sort()).toEqual([6, 7, 8]);
  });

  test("within a second where that is the longest time", () => {
    const stage = new AdmissionStage({ maxRetryAfterSeconds: 1, random: () => 0.999_999 });
    stage.ask(5);
    expect(new Set(stage.waits(100))).toEqual(new Set([1]));
  });

  test("and all of a storm are in soon after the time that the rate needs", () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const stage = new AdmissionStage({ ratePerSecond: 100, burst: 50, random });
    const STORM = 1000;
    const STEP_MS = 10;
    const due = new Map<number, number>([[0, STORM]]);
    let admitted = 0;
    let atMs = 0;
    let attempts = 0;
    for (; admitted < STORM && atMs < 60_000; atMs += STEP_MS) {
      for (let left = due.get(atMs) ?? 0; left > 0; left -= 1) {
        attempts += 1;
        const refusal = stage.admission.admit(ANN.address);
        if (refusal === undefined) {
          admitted += 1;
          continue;
        }
        // As a client does: the seconds that it was told, and a random part of one.
        const waitMs = refusal.retryAfterSeconds * 1000 + Math.floor(random() * 100) * STEP_MS;
        due.set(atMs + waitMs, (due.get(atMs + waitMs) ?? 0) + 1);
      }
      stage.clock.advance(STEP_MS);
    }
    expect(admitted).toBe(STORM);
    expect(atMs).toBeLessThan(2 * (STORM / 100) * 1000);
    expect(attempts).toBeLessThan(3 * STORM);
  });
});

describe("a user or an address that has too many sessions", () => {
  test("is refused by a name of its own, until it has fewer", () => {
    const stage = new AdmissionStage({ maxSessionsPerAddress: 3 });
    const { admission, ofUsers, ofAddresses } = stage;
    const BOB = { ...ANN, userId: "bob" };
    ofUsers.set("ann", 2);
    ofAddresses.set(ANN.address, 2);
    expect(admission.refuse(ANN)?.code).toBe("TOO_MANY_SESSIONS_OF_USER");
    expect(admission.refuse(BOB)).toBeUndefined();
    ofAddresses.set(ANN.address, 3);
    expect(admission.refuse(BOB)?.code).toBe("TOO_MANY_SESSIONS_OF_ADDRESS");
    expect(admission.refuse({ ...BOB, address: "192.0.2.2" })).toBeUndefined();
    ofUsers.set("ann", 1);
    ofAddresses.set(ANN.address, 2);
    expect(admission.refuse(ANN)).toBeUndefined();
  });

  test("has as many as it likes of an address where that is not bounded", () => {
    const stage = new AdmissionStage();
    stage.ofAddresses.set(ANN.address, 1_000_000);
    expect(stage.admission.refuse(ANN)).toBeUndefined();
  });

  test("takes no place in the queue of those that come again", () => {
    const stage = new AdmissionStage({ burst: 0, ratePerSecond: 1 });
    stage.ofUsers.set("ann", 2);
    const waits = Array.from({ length: 100 }, () => stage.admission.refuse(ANN)?.retryAfterSeconds);
    expect(waits).toEqual(Array(100).fill(1));
    expect(stage.waits(1)).toEqual([1]);
  });
});

describe("an address that comes too often", () => {
  const OTHER = "192.0.2.2";

  test("takes nothing from the others, and no place in their queue", () => {
    const stage = new AdmissionStage({ burst: 5, ratePerAddress: 3 });
    const ask = (address: string) => stage.admission.admit(address)?.code ?? "admitted";
    const of = (address: string, count: number) =>
      Array.from({ length: count }, () => ask(address));
    expect(of(ANN.address, 100).filter((answer) => answer === "admitted")).toHaveLength(3);
    expect(of(OTHER, 2)).toEqual(["admitted", "admitted"]);
    expect(stage.admission.admit(OTHER)).toEqual({
      code: "TOO_MANY_HANDSHAKES",
      retryAfterSeconds: 1,
    });
    stage.clock.advance(1_000);
    expect(of(ANN.address, 4)).toEqual([...Array(3).fill("admitted"), "TOO_MANY_HANDSHAKES"]);
  });

  test("or has its sessions already is refused before it counts", () => {
    const stage = new AdmissionStage({ burst: 1, maxSessionsPerAddress: 2 });
    stage.ofAddresses.set(ANN.address, 2);
    expect(stage.ask(3)).toEqual(Array(3).fill("TOO_MANY_SESSIONS_OF_ADDRESS"));
    expect(stage.admission.admit(OTHER)).toBeUndefined();
  });
});
