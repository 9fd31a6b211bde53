import { defineConfig } from "vitest/config";

const conditions = ["source"];

/** `npm run test:images`; apart from the other tests, for it needs more of the machine than they do. */
export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["test/images/**/*.test.ts"],
    reporters: ["default", "./test/closing-line.ts"],
    testTimeout: 60_000,
    // Packages are fetched, and all images are built.
    hookTimeout: 600_000,
  },
});
