import { writeFileSync } from "node:fs";
import { table } from "../../table.ts";
import { CostModel } from "../cost-model.ts";
import type { Results } from "../results.ts";
import { coefficients } from "./coefficients.ts";
import { errors } from "./errors.ts";
import { example } from "./example.ts";
import { latency } from "./latency.ts";
import { limits } from "./limits.ts";
import { network } from "./network.ts";
import { summary } from "./summary.ts";
import { waste } from "./waste.ts";

const FILE = new URL("../../../docs/scale.md", import.meta.url);

const INTRODUCTION = `# Scale

<!-- Written by \`npm run bench:scale\` from bench/results/scale.json: do not edit. -->

Pushcast sends every push to every connect-node ([architecture.md](architecture.md)). This page says what
that costs, as a function of push rate, nodes, rooms, members and managers, how good the prediction is, and
where it ends. All figures are measured, or predicted by a model that was fitted to measured runs.`;

const METHOD = `Each run starts push-managers, connect-nodes with clients in their rooms, an etcd and a publisher, each a
process of its own, on loopback; or a push-manager and *receivers*, which speak a node's side of the
links and nothing else, so that many of them fit on a machine. The publisher uses PushStream, with what is due
at once in one message. Settings are the defaults, except that clients are pinged and peers read only in
runs that measure that.

- **The unit is processor time**, by process, to the nanosecond (\`/proc\`), divided by the run's time. It holds
  on a busy machine as far as processes do not saturate their cores, which these do not unless a table
  shows one near 100 %. But a process that waits for a core finds more to do when it gets it, and so
  takes less a push: look at the cores that others took. Treat 15 % as nothing.
- **Bytes** are what system calls read and wrote.
- **The fit** makes the sum of the squared relative errors smallest, with no coefficient below 0.
- What is not in it: TLS, authentication, joins and handshakes, resumes, slow clients (see
  [operations.md](operations.md#memory-of-a-connect-node) and [performance.md](performance.md)), and a network.
  A faster core takes less: run it on yours.

\`\`\`sh
npm run bench:scale                     # all parts and this page, about eight minutes
npm run bench:scale -- --only check     # one part; the others' results stay
npm run bench:scale -- --page           # this page anew, from bench/results/scale.json
npm run bench:scale -- --help
\`\`\``;

/** Writes `docs/scale.md`. @throws if the runs do not say enough for a fit */
export function writePage(results: Results): void {
  const { runs } = results;
  const model = new CostModel(runs);
  const sections = [
    INTRODUCTION,
    summary(model, runs),
    `## The model\n\n${coefficients(model)}`,
    `## An example\n\n${example(model)}`,
    `## What broadcast wastes\n\n${waste(model, runs)}`,
    `## Network\n\n${network(model)}`,
    `## Latency\n\n${latency(runs)}`,
    `## Where it ends\n\n${limits(model, runs)}`,
    `## How good the model is\n\n${errors(model, runs)}`,
    `## How it was measured\n\n${METHOD}\n\n${provenance(results)}`,
  ];
  writeFileSync(FILE, `${sections.join("\n\n")}\n`);
}

function provenance({ machine, runs }: Results): string {
  const times = runs.map(({ at }) => at).sort();
  const loads = runs.map(({ loadBefore }) => loadBefore);
  const minute = (iso = "") => `${iso.slice(0, 16).replace("T", " ")} UTC`;
  return table([
    ["", ""],
    ["machine", machine],
    ["measured", `${minute(times[0])} to ${minute(times.at(-1))}`],
    [
      "load average before a run",
      `${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`,
    ],
    ["commit of the product", [...new Set(runs.map(({ commit }) => commit))].join(", ")],
  ]);
}
