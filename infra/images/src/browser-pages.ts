import { cp } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

/** A page that a program serves. */
interface BrowserPage {
  /** Its folder, relative to the root: `src/main.ts` becomes `dist/main.js`. */
  readonly folder: string;
  readonly files: readonly string[];
  /** What its modules import, and the program serves beside them. */
  readonly external: readonly string[];
  /** Files of packages that the program serves, relative to the root. */
  readonly packageFiles: readonly string[];
}

/** By the module that serves them. */
const PAGES: Readonly<Record<string, BrowserPage>> = {
  "services/push-manager/src/console/page-files.ts": {
    folder: "services/push-manager/page",
    files: ["index.html", "style.css", "icon.svg"],
    external: ["./uplot.js"],
    packageFiles: ["node_modules/uplot/dist/uPlot.esm.js", "node_modules/uplot/dist/uPlot.min.css"],
  },
};

/**
 * Puts the pages that these modules serve to the same places below a folder.
 * @param modules of the program, relative to the root
 * @returns the packages' files among what was copied, relative to the root
 */
export async function bundlePages(
  root: string,
  modules: readonly string[],
  outdir: string,
): Promise<readonly string[]> {
  const pages = modules.flatMap((module) => PAGES[module] ?? []);
  for (const { folder, files, external, packageFiles } of pages) {
    await build({
      absWorkingDir: root,
      entryPoints: [`${folder}/src/main.ts`],
      platform: "browser",
      target: "es2023",
      format: "esm",
      bundle: true,
      external: [...external],
      outfile: join(outdir, folder, "dist/main.js"),
      logLevel: "warning",
    });
    const copied = [...files.map((file) => `${folder}/${file}`), ...packageFiles];
    for (const file of copied) await cp(join(root, file), join(outdir, file));
  }
  return pages.flatMap(({ packageFiles }) => packageFiles);
}
