import { fileURLToPath } from "node:url";
import { licencesTable } from "../supply-chain/licences.ts";
import { packagesBelow, readLockFile, workspaces } from "../supply-chain/lock-file.ts";

/** What all workspaces use, but to be built and tested. */
export function licencesInProduction(): string {
  const lock = readLockFile(fileURLToPath(new URL("../../package-lock.json", import.meta.url)));
  return licencesTable(packagesBelow(lock, workspaces(lock)).values());
}
