import { setTimeout as sleep } from "node:timers/promises";
import { INSPECTED, Inspector } from "../../test/soak/inspector.ts";
import { Child } from "../../test/support/child.ts";
import { kernelSocketBytes, rssBytesOf } from "../../test/support/proc.ts";
import { startNode } from "../../test/support/processes.ts";
import type { DialectName } from "../comparison/load/dialects.ts";
import type {
  GeneratorReply,
  GeneratorReport,
  GeneratorRequest,
  Target,
} from "../comparison/load/messages.ts";
import type { BareServerRequest } from "./bare-server.ts";
import type { Scenario } from "./scenario.ts";

const SESSIONS = 10_000;
const ROOMS = 1000;
/** Three times the default interval of heartbeats. */
const IDLE_SECONDS = 75;
/** What the handshakes leave to be done is done by then. */
const CALM_SECONDS = 5;

/** A server that clients connect to. */
interface IdleServer {
  readonly pid: number;
  readonly target: Target;
  /** Collects its garbage first. */
  heldBytes(): Promise<number>;
}

/** For each client. */
interface Growth {
  /** In the heap and in buffers, without garbage. */
  readonly held: number;
  readonly resident: number;
  readonly kernel: number;
}

interface Idled {
  readonly growth: Growth;
  readonly closed: number;
}

export const idle: Scenario<
  "resident" | "bareResident" | "held" | "socket" | "session" | "hub" | "kernel" | "cpu" | "closed"
> = {
  name: "idle sessions",
  setup: `${SESSIONS.toLocaleString("en")} sessions, each in one of ${ROOMS.toLocaleString("en")} rooms, that answer the default heartbeats for ${IDLE_SECONDS} s`,
  goals: {
    resident: { what: "resident memory a session", unit: "KB", atMost: 7 },
    bareResident: { what: "the same of a bare server of Node's", unit: "KB", isReported: true },
    held: { what: "held in heap and buffers, without garbage", unit: "KB", isReported: true },
    socket: { what: "held by Node's socket", unit: "KB", isReported: true },
    session: { what: "held by the session", unit: "KB", isReported: true },
    hub: { what: "held by its room in the hub", unit: "KB", isReported: true },
    kernel: { what: "the kernel's buffers of both ends", unit: "KB" },
    cpu: { what: "CPU of a core", unit: "%", atMost: 2 },
    closed: { what: "sessions that were closed", unit: "", atMost: 0, isWorst: true },
  },
  measure: async () => {
    const bare = await withBareServer((server) => connectTo(server, "plain"));
    const outside = await withNode((node) => connectTo(node, "pushcast, in no room"));
    let cpu = Number.NaN;
    const inside = await withNode((node, cpuSeconds) =>
      connectTo(node, "pushcast", async () => {
        await sleep(CALM_SECONDS * 1000);
        const before = cpuSeconds();
        const startedMs = performance.now();
        await sleep(IDLE_SECONDS * 1000);
        cpu = ((cpuSeconds() - before) / (performance.now() - startedMs)) * 1e5;
      }),
    );
    const kb = (bytes: number) => bytes / 1000;
    return {
      resident: kb(inside.growth.resident),
      bareResident: kb(bare.growth.resident),
      held: kb(inside.growth.held),
      socket: kb(bare.growth.held),
      session: kb(outside.growth.held - bare.growth.held),
      hub: kb(inside.growth.held - outside.growth.held),
      kernel: kb(inside.growth.kernel),
      cpu,
      closed: inside.closed,
    };
  },
};

/** @param whileIdle before the memory is looked at */
async function connectTo(
  server: IdleServer,
  dialect: DialectName,
  whileIdle?: () => Promise<void>,
): Promise<Idled> {
  const clients = new Child<GeneratorRequest, GeneratorReply>(
    new URL("../comparison/load/generator.ts", import.meta.url),
  );
  try {
    const before = await memoryOf(server);
    const roomIds = Array.from({ length: ROOMS }, (_, n) => `room-${n}`);
    const members = SESSIONS / ROOMS;
    await clients.ask({ type: "open", targets: [server.target], roomIds, members, dialect });
    await whileIdle?.();
    const after = await memoryOf(server);
    const report = (await clients.ask({
      type: "report",
      through: roomIds.map(() => 0),
    })) as GeneratorReport;
    const each = (figure: keyof Growth) => (after[figure] - before[figure]) / SESSIONS;
    return {
      growth: { held: each("held"), resident: each("resident"), kernel: each("kernel") },
      closed: report.closed,
    };
  } finally {
    await clients.close();
  }
}

async function memoryOf(server: IdleServer): Promise<Growth> {
  const held = await server.heldBytes();
  return { held, resident: rssBytesOf(server.pid), kernel: kernelSocketBytes() };
}

async function withBareServer<Result>(use: (server: IdleServer) => Promise<Result>) {
  const bare = new Child<BareServerRequest, number>(new URL("./bare-server.ts", import.meta.url));
  try {
    const target = { host: "127.0.0.1", port: await bare.ask("listen") };
    return await use({ pid: bare.pid, target, heldBytes: () => bare.ask("held") });
  } finally {
    await bare.close();
  }
}

async function withNode<Result>(
  use: (node: IdleServer, cpuSeconds: () => number) => Promise<Result>,
): Promise<Result> {
  const { process, wsUrl } = await startNode({
    REGISTRY: "memory",
    // All clients connect at once.
    HANDSHAKE_BURST: SESSIONS,
    ...INSPECTED,
  });
  try {
    const { hostname: host, port } = new URL(wsUrl);
    const heldBytes = async () => {
      const inspector = await Inspector.of(process);
      const { heapBytes, externalBytes } = await inspector.look();
      inspector.close();
      return heapBytes + externalBytes;
    };
    const server = { pid: process.pid, target: { host, port: Number(port) }, heldBytes };
    return await use(server, () => process.cpuSeconds);
  } finally {
    await process.close();
  }
}
