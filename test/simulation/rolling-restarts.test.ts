import fc from "fast-check";
import { expect, test } from "vitest";
import { Cluster } from "./cluster.ts";

/** Of the whole test; another finds other sequences. */
const SEED = Number(process.env.SEED ?? 20250101);
const RUNS = Number(process.env.RUNS ?? 20);

type Step =
  | { readonly kind: "push"; readonly manager: number; readonly room: string | undefined }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "cut"; readonly client: number }
  | { readonly kind: "replace node" | "restart node" | "restart manager"; readonly index: number };

const index = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("push" as const),
      manager: index,
      room: fc.constantFrom("one", "two", undefined),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.integer({ max: 9_000, min: 1 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("cut" as const), client: index }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "replace node" as const,
        "restart node" as const,
        "restart manager" as const,
      ),
      index,
    }),
  },
);

/** A cluster whose logs are older than any absence, with clients in rooms. */
async function begun(seed: number): Promise<Cluster> {
  const cluster = new Cluster({
    seed,
    settings: { logMs: 10_000 },
    latencyMs: (random) => 1 + Math.floor(random() * 3) * 5,
  });
  cluster.startManager();
  cluster.startManager();
  for (let node = 0; node < 3; node += 1) cluster.startNode(`node-${node}`);
  await cluster.until(() => cluster.nodes.every(({ isReady }) => isReady), "all are ready");
  for (const user of ["anna", "bert", "cleo"]) {
    const client = cluster.addClient(user);
    client.join("one");
    client.join("two");
  }
  await cluster.pass(cluster.settings.logMs + cluster.settings.lagMs);
  return cluster;
}

async function play(cluster: Cluster, one: Step, number: number): Promise<void> {
  switch (one.kind) {
    case "push": {
      const manager = cluster.managers[one.manager % cluster.managers.length];
      if (manager !== undefined) cluster.biz.push(manager, { room: one.room, retried: true });
      return await cluster.pass(10);
    }
    case "pass":
      return await cluster.pass(one.ms);
    case "cut":
      return cluster.clients[one.client]?.cut();
    case "restart manager": {
      const manager = cluster.managers[one.index % cluster.managers.length];
      void manager?.stop();
      cluster.startManager();
      return await cluster.until(() => manager?.isAlive !== true, "the manager has ended");
    }
    case "replace node":
    case "restart node": {
      const node = cluster.nodes[one.index % cluster.nodes.length];
      if (node === undefined) return;
      // A Deployment starts the new one first, a StatefulSet only when the old one is gone.
      const isFirst = one.kind === "replace node";
      const started = isFirst ? cluster.startNode(`node-of-${number}`) : undefined;
      if (started !== undefined) await cluster.until(() => started.isReady, "it is ready");
      void node.stop();
      await cluster.until(() => !cluster.nodes.includes(node), "the old one has ended");
      if (started !== undefined) return;
      const again = cluster.startNode(node.id);
      return await cluster.until(() => again.isReady, "it is ready again");
    }
  }
}

test("in rolling restarts of nodes and managers every resume is recovered, and nothing is lost", {
  timeout: 3_600_000,
}, async () => {
  const sums = { recovered: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(step, { minLength: 30, maxLength: 60, size: "max" }),
      async (seed, steps) => {
        const cluster = await begun(seed);
        try {
          for (const [number, one] of steps.entries()) {
            await play(cluster, one, number);
            cluster.checkLogs();
          }
          await cluster.pass(10_000);
          cluster.checkComplete();
          cluster.end();
          expect(cluster.resumes.refused).toBe(0);
        } finally {
          cluster.loop.uninstall();
        }
        sums.recovered += cluster.resumes.recovered;
        sums.refused += cluster.resumes.refused;
      },
    ),
    { seed: SEED, numRuns: RUNS },
  );
  expect(sums.recovered).toBeGreaterThan(RUNS * 20);
});
