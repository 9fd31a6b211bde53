/** `npm run bundle -- <service> <folder>`: one service as a folder that Node runs by itself. */
import { resolve } from "node:path";
import { bundleService, SERVICES } from "./bundle.ts";

const [name, folder, ...others] = process.argv.slice(2);
const service = SERVICES.find((service) => service === name);
if (service === undefined || folder === undefined || others.length > 0) {
  console.error(`npm run bundle -- ${SERVICES.join("|")} <folder>`);
  process.exit(2);
}
await bundleService(service, resolve(folder));
