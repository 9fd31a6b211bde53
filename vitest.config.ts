import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const conditions = ["source"];

export default defineConfig({
  test: {
    reporters: ["default", "./test/closing-line.ts"],
    projects: [
      {
        // Packages export their TypeScript under this condition, so no test sees a stale build.
        ssr: { resolve: { conditions, externalConditions: conditions } },
        test: {
          name: "unit",
          include: [
            "{packages,services,infra,examples,bench}/**/*.test.ts",
            // Starts no processes.
            "test/simulation/**/*.test.ts",
          ],
          exclude: ["**/node_modules/**", "**/dist/**"],
          // Far above what any takes: a bound on a hang, also on a machine that is busy otherwise.
          testTimeout: 30_000,
          hookTimeout: 30_000,
          maxWorkers: availableParallelism(),
          // No file changes what another one imports, and importing takes longer than testing.
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ssr: { resolve: { conditions, externalConditions: conditions } },
        test: {
          name: "system",
          include: ["test/**/*.test.ts"],
          exclude: ["test/chaos/**", "test/hostile/**", "test/images/**", "test/simulation/**"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          // Each file starts processes of its own: etcd, services, browsers.
          maxWorkers: 3,
          // As above: what a file changes is in its own processes.
          isolate: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        ssr: { resolve: { conditions, externalConditions: conditions } },
        test: {
          name: "chaos",
          include: ["test/{chaos,hostile}/**/*.test.ts"],
          // A minute at most on two cores, and many times that where they have other work.
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Each test keeps all cores busy.
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
