import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { bundlePages } from "./browser-pages.ts";
import { dataFiles, PLACE_OF_BUNDLE } from "./data-files.ts";
import { copyNotices } from "./notices.ts";

/** The programs that have an image each, by its name, and the module that each begins with. */
const ENTRY_POINTS = {
  "push-manager": "services/push-manager/src/main.ts",
  "connect-node": "services/connect-node/src/main.ts",
  "deletion-cost": "infra/deploy/src/deletion-cost/main.ts",
} as const;

export type ProgramName = keyof typeof ENTRY_POINTS;

export const PROGRAMS = Object.keys(ENTRY_POINTS) as readonly ProgramName[];

/** The workspaces that the programs are of. */
export const PROGRAM_PLACES: readonly string[] = Object.values(ENTRY_POINTS).map(
  (module) => module.split("/src/")[0] ?? "",
);

const ROOT = join(import.meta.dirname, "../../..");

/** CommonJS modules ask for Node's own modules by it. */
const REQUIRE = `import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);`;

/**
 * On stderr are JSON lines only. Node does not warn of what it has deprecated where a package uses it,
 * but takes for packages only what is below a node_modules.
 */
const NO_DEPRECATIONS = "process.noDeprecation = true;";

/**
 * Writes a program into a folder, so that `node <folder>/main.js` runs it as the build's `main.js` would,
 * wherever there is a Node, without its packages installed. The folder is emptied first.
 */
export async function bundleProgram(program: ProgramName, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [ENTRY_POINTS[program]],
    conditions: ["source"],
    platform: "node",
    target: "node20.11",
    format: "esm",
    bundle: true,
    // What main.ts imports late stays late: a process heeds signals before it loads the most.
    splitting: true,
    outdir: folder,
    banner: { js: [REQUIRE, PLACE_OF_BUNDLE, NO_DEPRECATIONS].join("\n") },
    plugins: [dataFiles(ROOT)],
    metafile: true,
    logLevel: "warning",
  });
  const modules = Object.keys(metafile.inputs);
  const ofPages = await bundlePages(ROOT, modules, folder);
  await copyNotices(ROOT, [...modules, ...ofPages], folder);
  await writeFile(join(folder, "package.json"), `${JSON.stringify({ type: "module" })}\n`);
}
