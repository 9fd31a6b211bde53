/**
 * Push → client latency: a push-manager, connect-nodes, a publisher and clients in processes of
 * their own on loopback. From the publisher's call of PushToRoom to the client's receipt of the
 * frame, on the machine's one monotonic clock.
 */
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { Child } from "../test/support/child.ts";
import { ManagerClient } from "../test/support/manager-client.ts";
import { startManager, startNode } from "../test/support/processes.ts";
import { until } from "../test/support/until.ts";
import { resultTable } from "./latency-table.ts";
import type {
  ClientsReply,
  ClientsReport,
  ClientsRequest,
  LatencyPlan,
  LatencyResult,
  Percentiles,
  PlannedSession,
  PublisherReport,
  PublisherRequest,
} from "./latency-types.ts";

const USAGE = `npm run bench -- [flags]
  --nodes 10      connect-node processes
  --users 100     clients with one session each, spread evenly over the nodes
  --rooms 10      rooms with as many users each
  --rate 100      pushes a second, to one room after another
  --seconds 20    how long is measured
  --warm-up 3     seconds of the same pushes before that
  --bytes 200     content of a push
  --json          write the result as JSON`;

/** How long the last deliveries may take before what is missing is lost. */
const SETTLE_MS = 5_000;

const { plan, json } = readFlags();
// An exit ends all processes that were started; a signal alone would leave them behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const result = await measure(plan);
console.log(json ? JSON.stringify(result, undefined, 2) : resultTable(result));
const faults = result.losses + result.repeats + result.outOfOrder + result.refused;
process.exitCode = faults > 0 ? 1 : 0;

function readFlags(): { plan: LatencyPlan; json: boolean } {
  const { values } = parseArgs({
    options: {
      nodes: { type: "string", default: "10" },
      users: { type: "string", default: "100" },
      rooms: { type: "string", default: "10" },
      rate: { type: "string", default: "100" },
      seconds: { type: "string", default: "20" },
      "warm-up": { type: "string", default: "3" },
      bytes: { type: "string", default: "200" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit();
  }
  const positive = (flag: Exclude<keyof typeof values, "json" | "help">) => {
    const value = Number(values[flag]);
    if (value > 0) return value;
    console.error(`--${flag} must be a number above 0\n${USAGE}`);
    process.exit(2);
  };
  const plan = {
    nodes: positive("nodes"),
    users: positive("users"),
    rooms: positive("rooms"),
    rate: positive("rate"),
    seconds: positive("seconds"),
    warmUpSeconds: positive("warm-up"),
    contentBytes: positive("bytes"),
  };
  return { plan, json: values.json };
}

async function measure(plan: LatencyPlan): Promise<LatencyResult> {
  const cleanups: (() => Promise<void>)[] = [];
  const started = <Part extends { process: { close(): Promise<void> } }>(part: Part) => {
    cleanups.push(() => part.process.close());
    return part;
  };
  const child = <Request, Reply>(file: URL) => {
    const made = new Child<Request, Reply>(file);
    cleanups.push(() => made.close());
    return made;
  };
  try {
    const nodes = await Promise.all(
      Array.from({ length: plan.nodes }, async (_, n) =>
        started(
          await startNode({
            REGISTRY: "memory",
            POD_NAME: `node-${n}`,
            // All clients connect at once.
            HANDSHAKE_BURST: plan.users,
          }),
        ),
      ),
    );
    const addresses = nodes.map(({ grpcAddress }) => grpcAddress);
    const manager = started(
      await startManager({
        REGISTRY: "static",
        NODES: addresses.join(),
        // As in production, not as in tests.
        ACK_TIMEOUT_MS: undefined,
      }),
    );
    await linked(
      manager.grpcAddress,
      nodes.map(({ nodeId }) => nodeId),
    );
    const clients = child<ClientsRequest, ClientsReply>(
      new URL("./latency-clients.ts", import.meta.url),
    );
    const publisher = child<PublisherRequest, PublisherReport>(
      new URL("./latency-publisher.ts", import.meta.url),
    );

    const roomIds = Array.from({ length: plan.rooms }, (_, n) => `room-${n}`);
    const roomOf = (user: number) => Math.floor((user * plan.rooms) / plan.users);
    const sessions = Array.from(
      { length: plan.users },
      (_, user): PlannedSession => ({
        url: nodes[user % plan.nodes]?.wsUrl ?? "",
        userId: `user-${user}`,
        roomId: roomIds[roomOf(user)] ?? "",
      }),
    );
    await clients.ask({ type: "open", sessions });

    const { rate, contentBytes, warmUpSeconds } = plan;
    const pushing = { address: manager.grpcAddress, roomIds, rate, contentBytes };
    await publisher.ask({ ...pushing, seconds: warmUpSeconds, isWarmUp: true });
    const cpuSeconds = () => ({
      manager: manager.process.cpuSeconds,
      nodes: nodes.reduce((sum, node) => sum + node.process.cpuSeconds, 0),
    });
    const before = cpuSeconds();
    const pushed = await publisher.ask({ ...pushing, seconds: plan.seconds, isWarmUp: false });
    const expected = sessions.map((_, user) => pushed.accepted[roomOf(user)] ?? 0);
    await settled(clients, sum(expected));
    for (const { process } of [manager, ...nodes]) {
      if (process.unexpectedEnd !== undefined) throw new Error(process.unexpectedEnd);
    }
    const after = cpuSeconds();
    const got = (await clients.ask({ type: "report" })) as ClientsReport;

    const pushes = sum(pushed.accepted);
    const deliveries = sum(got.distinct);
    return {
      plan,
      rate: pushes / pushed.tookSeconds,
      pushes,
      refused: pushed.refused,
      sessions: sessions.length,
      deliveries,
      losses: sum(expected.map((count, user) => Math.max(0, count - (got.distinct[user] ?? 0)))),
      repeats: got.repeats,
      outOfOrder: got.outOfOrder,
      latencyMs: percentiles(got.latenciesMs),
      answerMs: percentiles(pushed.answerMs),
      managerCpuMicrosAPush: ((after.manager - before.manager) * 1e6) / pushes,
      nodesCpuMicrosADelivery: ((after.nodes - before.nodes) * 1e6) / deliveries,
      machine: machine(),
      nodeVersion: process.version,
    };
  } finally {
    await Promise.all(cleanups.map((cleanup) => cleanup()));
  }
}

async function linked(address: string, nodeIds: readonly string[]): Promise<void> {
  const client = new ManagerClient(address);
  await client.untilLinked(nodeIds);
  client.close();
}

/** Waits for the last deliveries; what has not come by then is lost. */
async function settled(
  clients: Child<ClientsRequest, ClientsReply>,
  expected: number,
): Promise<void> {
  const isComplete = async () => ((await clients.ask({ type: "count" })) as number) >= expected;
  await until("all deliveries", isComplete, SETTLE_MS).catch(() => {});
}

function percentiles(unsorted: Float64Array): Percentiles {
  const sorted = unsorted.toSorted();
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function machine(): string {
  const cores = cpus();
  const gib = Math.round(totalmem() / 1024 ** 3);
  return `${cores.length} cores (${cores[0]?.model.trim() ?? "unknown"}), ${gib} GiB, ${process.platform}`;
}
