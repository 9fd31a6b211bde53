import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createApp } from "./app.ts";
import type { Config } from "./config/schema.ts";

/**
 * Writes the manifests of a configuration to a folder, and removes those of an earlier time that are no
 * more. Whatever else is in the folder stays.
 * @throws InvalidConfig
 */
export function writeManifests(config: Config, outdir: string): void {
  const app = createApp(config, outdir);
  for (const name of existsSync(outdir) ? readdirSync(outdir) : []) {
    if (name.endsWith(app.outputFileExtension)) rmSync(join(outdir, name));
  }
  app.synth();
}
