// Writes what the images are made of, as CycloneDX 1.6 in JSON, to stdout. The same lock file gives the same
// bytes: there is no time and no serial number in it.
import { join } from "node:path";
import { PROGRAM_PLACES } from "../../infra/images/src/bundle.ts";
import { billOfMaterials } from "./bill-of-materials.ts";
import { readLockFile } from "./lock-file.ts";

const lock = readLockFile(join(import.meta.dirname, "../../package-lock.json"));
process.stdout.write(`${JSON.stringify(billOfMaterials(lock, PROGRAM_PLACES), undefined, 2)}\n`);
