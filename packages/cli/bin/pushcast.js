#!/usr/bin/env node
import { existsSync } from "node:fs";

const has = (path) => existsSync(new URL(path, import.meta.url));

if (has("../dist/main.js") || !has("../src/main.ts")) {
  await import("../dist/main.js");
} else {
  // In the repository, before a build. A package that is installed has dist/ and no src/.
  process.stderr.write("pushcast: it is not built yet\n  Run `npm run build` first.\n");
  process.exitCode = 1;
}
