import { readFileSync } from "node:fs";

/** The version of this package. Not read from the runtime package, whose import takes long. */
export function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
