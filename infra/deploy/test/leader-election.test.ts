import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LeaderElection } from "../src/deletion-cost/leader-election.ts";
import { Lease } from "../src/deletion-cost/lease.ts";
import { KubeApi } from "../src/kube-api.ts";
import { readKubeconfig } from "../src/kubeconfig.ts";
import { refusalBody } from "./kube-server.ts";
import { Stage } from "./stage.ts";
import { WatchedClock } from "./watched-clock.ts";

const LEASES = "/apis/coordination.k8s.io/v1/namespaces/pushcast/leases";
const LEASE = `${LEASES}/the-lease`;

let stage: Stage;
let candidates: Candidate[];

beforeEach(async () => {
  stage = await Stage.open();
  candidates = [];
});

afterEach(async () => {
  for (const { election } of candidates) await election.stop();
  await stage.close();
});

/** One of several that want to lead, with a clock of its own. */
class Candidate {
  readonly clock: WatchedClock;
  readonly errors: unknown[] = [];
  readonly election: LeaderElection;

  constructor(identity: string, startMs?: number) {
    this.clock = new WatchedClock(startMs);
    const api = new KubeApi(readKubeconfig({ file: stage.kubeconfig, env: {} }));
    const { clock } = this;
    this.election = new LeaderElection({
      lease: new Lease({ api, clock, namespace: "pushcast", name: "the-lease", identity }),
      clock,
      lead: (over) =>
        new Promise((resolve) => over.addEventListener("abort", () => resolve(), { once: true })),
      onError: (error) => this.errors.push(error),
    });
    this.election.start();
    candidates.push(this);
  }

  /** Ends when it has been elected, or has renewed, and waits to renew again. */
  async leads(): Promise<void> {
    // One until the next renewal, one until it must have renewed.
    await this.clock.isWaitedForBy(2);
    expect(this.election.isLeader).toBe(true);
  }

  /** Ends when it has tried in vain, and waits to try again. */
  async waits(): Promise<void> {
    await this.clock.isWaitedForBy(1);
    expect(this.election.isLeader).toBe(false);
  }

  /** Lets time pass in the steps in which it tries. */
  async waitsFor(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 2) {
      this.clock.advance(2_000);
      await this.waits();
    }
  }
}

function putLease(spec: object): void {
  stage.server.put({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "the-lease", namespace: "pushcast" },
    spec,
  });
}

function leaseSpec(): unknown {
  return stage.server.objects.get(LEASE)?.spec;
}

const HELD = { holderIdentity: "other", leaseDurationSeconds: 15, leaseTransitions: 3 };

describe("a lease", () => {
  test("that does not exist is made by who wants to lead", async () => {
    await new Candidate("a", Date.UTC(2025, 0, 1)).leads();

    expect(leaseSpec()).toEqual({
      holderIdentity: "a",
      leaseDurationSeconds: 15,
      acquireTime: "2025-01-01T00:00:00.000000Z",
      renewTime: "2025-01-01T00:00:00.000000Z",
      leaseTransitions: 1,
    });
  });

  test("is renewed every 2 s", async () => {
    const a = new Candidate("a", Date.UTC(2025, 0, 1));
    await a.leads();
    a.clock.advance(2_000);
    await a.leads();

    expect(leaseSpec()).toMatchObject({
      acquireTime: "2025-01-01T00:00:00.000000Z",
      renewTime: "2025-01-01T00:00:02.000000Z",
      leaseTransitions: 1,
    });
  });

  test("is given back by a leader that stops, and taken at once", async () => {
    const a = new Candidate("a");
    await a.leads();
    const b = new Candidate("b");
    await b.waits();

    await a.election.stop();
    expect(a.election.isLeader).toBe(false);
    expect(leaseSpec()).toMatchObject({ holderIdentity: "" });

    b.clock.advance(2_000);
    await b.leads();
    expect(leaseSpec()).toMatchObject({ holderIdentity: "b", leaseTransitions: 2 });
  });

  test("is not given back by who does not hold it", async () => {
    putLease(HELD);
    const a = new Candidate("a");
    await a.waits();
    await a.election.stop();

    expect(leaseSpec()).toEqual(HELD);
  });

  test.each([
    ["long ago", "2001-01-01T00:00:00.000000Z"],
    ["in the future", "2099-01-01T00:00:00.000000Z"],
  ])(
    "that was renewed %s, by its holder's clock, is free 15 s after it was seen",
    async (_, renewTime) => {
      putLease({ ...HELD, renewTime });
      const a = new Candidate("a");
      await a.waits();
      await a.waitsFor(14);

      a.clock.advance(2_000);
      await a.leads();
      expect(leaseSpec()).toMatchObject({ holderIdentity: "a", leaseTransitions: 4 });
    },
  );

  test("that is renewed is not free", async () => {
    putLease(HELD);
    const a = new Candidate("a");
    await a.waits();

    for (let renewals = 0; renewals < 3; renewals++) {
      await a.waitsFor(10);
      putLease(HELD);
    }
    await a.waitsFor(14);

    expect(leaseSpec()).toEqual(HELD);
  });

  test("is taken by one only, where two are as fast", async () => {
    putLease({ ...HELD, holderIdentity: "" });
    let reads = 0;
    stage.server.onRequest = ({ method, path }) => {
      // Somebody else writes between the read and the write.
      if (method === "GET" && path === LEASE && ++reads === 1) {
        setImmediate(() => putLease(HELD));
      }
    };
    const a = new Candidate("a");

    await a.waits();
    expect(leaseSpec()).toEqual(HELD);
    expect(a.errors).toEqual([]);
  });
});

describe("a leader", () => {
  const refuse = () => {
    const body = refusalBody(500, "InternalError", "etcd is away");
    stage.server.answer("PUT", LEASE, 500, body);
  };

  test("that cannot renew stops before another may lead, and tries on", async () => {
    const a = new Candidate("a");
    await a.leads();
    refuse();

    for (let seconds = 2; seconds < 10; seconds += 2) {
      a.clock.advance(2_000);
      await a.leads();
    }
    a.clock.advance(1_999);
    expect(a.election.isLeader).toBe(true);
    a.clock.advance(1);
    await a.waits();

    stage.server.answerAsUsual("PUT", LEASE);
    a.clock.advance(2_000);
    await a.leads();
    expect(a.errors).not.toEqual([]);
  });

  test("that got an answer too late counts from when it asked", async () => {
    const a = new Candidate("a");
    await a.leads();
    a.clock.advance(2_000);
    // As long as the request is under way, so to say.
    a.clock.advance(7_999);
    expect(a.election.isLeader).toBe(true);
    a.clock.advance(1);
    expect(a.election.isLeader).toBe(false);
    await a.leads();
  });

  test("that loses its lease to another does not lead on", async () => {
    const a = new Candidate("a");
    await a.leads();
    putLease(HELD);

    for (let seconds = 2; seconds < 10; seconds += 2) {
      a.clock.advance(2_000);
      await a.clock.isWaitedForBy(2);
    }
    a.clock.advance(2_000);
    await a.waits();

    expect(leaseSpec()).toEqual(HELD);
  });
});
