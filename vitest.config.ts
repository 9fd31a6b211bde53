import { defineConfig } from "vitest/config";

export default defineConfig({
  // Packages export their TypeScript under this condition, so unit tests need no build.
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"], externalConditions: ["source"] } },
  test: {
    include: ["packages/**/*.test.ts", "services/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
  },
});
