// Writes manifests. It is the app of `cdk8s synth`, and runs without that too:
//
//   npm run synth                                              every profile, to charts/
//   npm run synth -- --profile prod --config own.ts --out dir  one, with a file of the user's own
//
// PUSHCAST_PROFILE, PUSHCAST_CONFIG and CDK8S_OUTDIR stand for the options where those cannot be given.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { InvalidConfig } from "./config/invalid-config.ts";
import { loadConfig } from "./config/load.ts";
import { PROFILES } from "./config/profiles.ts";
import { writeManifests } from "./write-manifests.ts";

const CHARTS = join(import.meta.dirname, "../../../charts");

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      profile: { type: "string" },
      config: { type: "string" },
      out: { type: "string" },
    },
  });
  const profile = values.profile ?? process.env.PUSHCAST_PROFILE;
  const file = values.config ?? process.env.PUSHCAST_CONFIG;
  const outdir = values.out ?? process.env.CDK8S_OUTDIR;
  if (profile === undefined && file === undefined && outdir === undefined) {
    for (const each of Object.keys(PROFILES)) {
      writeManifests(await loadConfig({ profile: each }), join(CHARTS, each));
    }
    return;
  }
  writeManifests(await loadConfig({ profile, file }), outdir ?? "dist");
}

try {
  await run();
} catch (error) {
  console.error(isTheUsers(error) ? error.message : error);
  process.exitCode = 1;
}

/** What needs no stack, since it is not the program's fault. */
function isTheUsers(error: unknown): error is Error {
  return (
    error instanceof InvalidConfig ||
    (error instanceof TypeError &&
      "code" in error &&
      String(error.code).startsWith("ERR_PARSE_ARGS"))
  );
}
