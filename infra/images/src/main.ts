/** `npm run bundle --workspace infra/images -- <program> <folder>`: see {@link bundleProgram}. */
import { resolve } from "node:path";
import { bundleProgram, PROGRAMS } from "./bundle.ts";

const [name, folder, ...others] = process.argv.slice(2);
const program = PROGRAMS.find((program) => program === name);
if (program === undefined || folder === undefined || others.length > 0) {
  console.error(`npm run bundle --workspace infra/images -- ${PROGRAMS.join("|")} <folder>`);
  process.exit(2);
}
// npm runs this in the workspace's folder, and says where it was called itself.
await bundleProgram(program, resolve(process.env.INIT_CWD ?? "", folder));
