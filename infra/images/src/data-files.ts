import { cp, readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { Plugin } from "esbuild";
import { packageFolder } from "./package-folder.ts";

const NAMES_ITS_PLACE = /\b(__dirname|import\.meta\.url)\b/;

/** What modules read at run time: gRPC's descriptions of services. */
const DATA_FILE = /\.(proto|binpb)$/;

/** Constants that {@link dataFiles} needs in each output file. */
export const PLACE_OF_BUNDLE = `const __bundleFolder = import.meta.dirname;
const __bundleUrl = import.meta.url;`;

/**
 * Modules find files beside themselves by `__dirname` or `import.meta.url`, which in a bundle would be
 * the bundle's. With this they are the place below the bundle's folder that the module has below the
 * root, and the data files of its package are copied to the same places.
 */
export function dataFiles(root: string): Plugin {
  return {
    name: "data files",
    setup: ({ onLoad, onEnd, initialOptions }) => {
      const packages = new Set<string>();
      onLoad({ filter: /\.[cm]?[jt]s$/ }, async ({ path }) => {
        const code = await readFile(path, "utf8");
        if (!NAMES_ITS_PLACE.test(code)) return undefined;
        const module = relative(root, path);
        packages.add(packageFolder(root, module));
        return {
          contents: withPlace(code, module),
          loader: path.endsWith("ts") ? "ts" : "js",
        };
      });
      onEnd(async () => {
        const { outdir = "" } = initialOptions;
        for (const folder of packages) await copyDataFiles(root, folder, outdir);
      });
    },
  };
}

function withPlace(code: string, module: string): string {
  const folder = `const __dirname = __bundleFolder + ${JSON.stringify(`/${dirname(module)}`)};`;
  const url = `new URL(${JSON.stringify(module)}, __bundleUrl).href`;
  return `${folder}\n${code.replaceAll("import.meta.url", url)}`;
}

async function copyDataFiles(root: string, folder: string, outdir: string): Promise<void> {
  for (const file of await readdir(join(root, folder), { recursive: true })) {
    const isOfAnother = file.startsWith("node_modules");
    if (isOfAnother || !DATA_FILE.test(file)) continue;
    await cp(join(root, folder, file), join(outdir, folder, file));
  }
}
