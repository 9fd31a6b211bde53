/**
 * `npm run fuzz`: inputs at random for all that takes bytes from others. Each is made from a seed, which is
 * printed if it fails and repeats it.
 */
import { parseArgs } from "node:util";
import { CORPUS } from "./corpus.ts";
import { type FuzzResult, fuzz } from "./fuzz-run.ts";
import type { FuzzTarget } from "./fuzz-target.ts";
import { TARGETS } from "./targets.ts";

const USAGE = `npm run fuzz -- [flags]
  --runs 100000   inputs, of all targets together
  --seed 1        of the first input of each target; the others have the next ones. @default by chance
  --only NAME     one target: ${TARGETS.map(({ name }) => name).join(", ")}`;

const { runs, seed, targets } = readFlags();
process.on("uncaughtException", (error) => {
  console.error(
    `NOT as it should be: the process would have ended, --seed ${seed}\n${error.stack}`,
  );
  process.exit(1);
});
// Without --only the shares are of all.
const shares = targets.reduce((sum, { share }) => sum + share, 0);
const results: FuzzResult[] = [];
for (const target of targets) {
  for (const known of CORPUS[target.name] ?? []) tell(await fuzz(target, known, 1));
  tell(await fuzz(target, seed, Math.max(1, Math.round((runs * target.share) / shares))));
}
const inputs = results.reduce((sum, result) => sum + result.inputs, 0);
const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
const failed = results.filter(({ failure }) => failure !== undefined);
console.log(`${inputs} inputs in ${seconds.toFixed(1)} s, --seed ${seed}`);
console.log(failed.length === 0 ? "all of them answered as they should be" : "NOT as it should be");
process.exit(failed.length === 0 ? 0 : 1);

function tell(result: FuzzResult): void {
  results.push(result);
  const { target, failure } = result;
  const grown = (result.grownBytes / 1024 / 1024).toFixed(1);
  console.log(
    `${target}: ${result.inputs} inputs in ${result.seconds.toFixed(1)} s, ${grown} MiB grown`,
  );
  if (failure === undefined) return;
  const repeat = `--only ${target} --seed ${failure.seed} --runs ${failure.inputs}`;
  console.log(`  FAILED: repeat it by ${repeat}\n  ${failure.problem}`);
}

function readFlags(): { runs: number; seed: number; targets: readonly FuzzTarget[] } {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "100000" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      only: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit();
  }
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  const targets = TARGETS.filter(({ name }) => values.only === undefined || name === values.only);
  if (Number.isInteger(runs) && runs > 0 && Number.isInteger(seed) && targets.length > 0) {
    return { runs, seed, targets };
  }
  console.error(USAGE);
  process.exit(2);
}
