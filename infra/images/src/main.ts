/** `npm run bundle --workspace infra/images -- <service> <folder>`: see {@link bundleService}. */
import { resolve } from "node:path";
import { bundleService, SERVICES } from "./bundle.ts";

const [name, folder, ...others] = process.argv.slice(2);
const service = SERVICES.find((service) => service === name);
if (service === undefined || folder === undefined || others.length > 0) {
  console.error(`npm run bundle --workspace infra/images -- ${SERVICES.join("|")} <folder>`);
  process.exit(2);
}
// npm runs this in the workspace's folder, and says where it was called itself.
await bundleService(service, resolve(process.env.INIT_CWD ?? "", folder));
