import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The folder of the package that a module belongs to: the nearest one whose package.json has a name;
 * others only say how files are to be loaded.
 *
 * @param root of the repository
 * @param module its file, relative to the root
 * @returns relative to the root
 */
export function packageFolder(root: string, module: string): string {
  for (let folder = dirname(module); folder !== "."; folder = dirname(folder)) {
    const manifest = join(root, folder, "package.json");
    if (existsSync(manifest) && "name" in JSON.parse(readFileSync(manifest, "utf8"))) return folder;
  }
  throw new Error(`${module} belongs to no package`);
}
