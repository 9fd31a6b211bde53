import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { packageFolder } from "./package-folder.ts";

const NOTICE = /^(package\.json|licen[cs]e.*|notice.*)$/i;

/**
 * Copies `package.json` and licence of each package that these modules belong to, and this
 * repository's licence, to the same places below another folder: scanners look for the former there,
 * and the licences ask for the latter.
 *
 * @param modules relative to the root
 */
export async function copyNotices(
  root: string,
  modules: readonly string[],
  folder: string,
): Promise<void> {
  await cp(join(root, "LICENSE"), join(folder, "LICENSE"));
  const packages = new Set(modules.map((module) => packageFolder(root, module)));
  for (const place of packages) {
    const notices = (await readdir(join(root, place))).filter((name) => NOTICE.test(name));
    for (const name of notices) await cp(join(root, place, name), join(folder, place, name));
  }
}
