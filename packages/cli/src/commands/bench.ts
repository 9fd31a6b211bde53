import { checkOpenFiles } from "../bench/open-files.ts";
import { BENCH_LIMITS, type BenchPlan, checkPlan } from "../bench/plan.ts";
import { clientOptions, readClientEndpoint } from "../client/client-options.ts";
import { defineCommand } from "../frame/command.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";
import { flag, wholeNumber } from "../frame/option.ts";
import { takePositionals } from "../frame/read-arguments.ts";
import { withManager } from "../manager/manager-client.ts";
import { managerOptions } from "../manager/manager-options.ts";

const DETAILS = `
Measures an installation from push to client: connects clients, pushes to their
rooms at an even rate, and says the rate that was reached, deliveries a second,
latency, and what was lost or came twice. Pushes and clients are in this
process, so that one clock times both. The first second is not counted.

It is one process on one core and says how busy it was itself: where it was the
limit, the figures are its own. For more, run several at once.

Nodes let in HANDSHAKE_RATE clients a second; the others wait, as they are told.
With AUTH_MODE=jwt give tokens whose claim \`rooms\` has pushcast-bench-*: all
rooms are named so, and nothing else is touched.

The exit code is 0, and 2 if pushes failed or deliveries are missing.
`;

const DEFAULTS: BenchPlan = { clients: 100, rooms: 1, rate: 100, seconds: 10, bytes: 100 };

const DEFAULT_URL = "ws://localhost:8080/ws";
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/;

const group = "What is measured";

const options = {
  ...managerOptions,
  ...clientOptions,
  clients: planOption("clients", "How many clients"),
  rooms: planOption("rooms", "Over how many rooms they are spread"),
  rate: planOption("rate", "Pushes a second, to the rooms in turn"),
  seconds: planOption("seconds", "For how long"),
  bytes: planOption("bytes", "The content of each push"),
  unary: flag({ group, doc: "One PushToRoom for each push instead of a PushStream" }),
};

function planOption(name: keyof BenchPlan, doc: string) {
  const [min, max] = BENCH_LIMITS[name];
  return wholeNumber([min, max], {
    group,
    placeholder: "N",
    doc: `${doc}, at most ${max} (default: ${DEFAULTS[name]})`,
  });
}

export const benchCommand = defineCommand({
  name: "bench",
  summary: "Measure an installation: rate, deliveries, latency, losses",
  forms: ["[options]"],
  details: DETAILS,
  options,
  examples: [
    { line: "pushcast bench", doc: "What `pushcast dev` runs on this machine" },
    {
      line: "pushcast bench --clients 1000 --rooms 100 --rate 500 --bytes 1000",
      doc: "Ten clients a room, and each push to one room",
    },
    {
      line: "pushcast bench --manager push.example.com:443 --tls --url wss://example.com/ws",
      doc: "Through the Ingress",
    },
  ],
  run: async ({ options: given, positionals }, context) => {
    takePositionals(positionals, []);
    const { output, env } = context;
    const plan = readPlan(given);
    const endpoint = readClientEndpoint(given.url ?? DEFAULT_URL, given, env);
    const [{ bench }, { resultJson, resultLines }, { probeHost }] = await Promise.all([
      import("../bench/bench.ts"),
      import("../bench/report.ts"),
      import("../doctor/probes/host.ts"),
    ]);
    checkOpenFiles(plan.clients, probeHost().maxOpenFiles);
    const { unary, timeout: timeoutMs } = given;
    const result = await withManager(given, context, (pushClient) => {
      const init = { ...endpoint, plan, unary, pushClient, timeoutMs };
      return bench(init, (text) => output.progress(`${text} …`));
    });
    const sharesMachine = [endpoint.url.hostname, given.manager].some((at) => LOOPBACK.test(at));
    const situation = { plan, unary, sharesMachine };
    output.result(resultJson(situation, result), () => resultLines(situation, result));
    return result.lost > 0 || result.failed.size > 0 ? EXIT_CODES.partial : EXIT_CODES.ok;
  },
});

/** @throws CliError */
function readPlan(given: Partial<Record<keyof BenchPlan, number | undefined>>): BenchPlan {
  const plan = {
    clients: given.clients ?? DEFAULTS.clients,
    rooms: given.rooms ?? DEFAULTS.rooms,
    rate: given.rate ?? DEFAULTS.rate,
    seconds: given.seconds ?? DEFAULTS.seconds,
    bytes: given.bytes ?? DEFAULTS.bytes,
  };
  checkPlan(plan);
  return plan;
}
