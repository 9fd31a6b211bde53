import { connect } from "node:net";
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import {
  type DeliveryReport,
  FailureReason,
  type JoinRoomResponse,
  type ListNodesResponse,
  PushManagerServiceClient,
  type PushStreamRequest,
  PushStreamResponse,
  type PushToRoomRequest,
  type PushToRoomResponse,
  type StreamResult,
  Wait,
} from "@pushcast/api";
import {
  createPushManager,
  type PushManagerReady,
  type PushManagerSettings,
  pushManagerChecks,
  pushManagerSettings,
} from "@pushcast/push-manager";
import { createRegistry, RegistryMemory } from "@pushcast/registry";
import { createLogger, requireSettings, type Service } from "@pushcast/runtime";
import { Registry as MetricsRegistry } from "prom-client";
import { afterEach, describe, expect, test } from "vitest";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { freePorts } from "../support/free-ports.ts";
import { listServices } from "../support/reflection.ts";
import { ScriptedNode } from "../support/scripted-node.ts";

function settingsWith(env: Record<string, string>): PushManagerSettings {
  return requireSettings(
    pushManagerSettings,
    {
      REGISTRY: "memory",
      GRPC_HOST: "127.0.0.1",
      OPS_HOST: "127.0.0.1",
      GRPC_PORT: "0",
      OPS_PORT: "0",
      LOG_LEVEL: "silent",
      ACK_TIMEOUT_MS: "10000",
      ...env,
    },
    pushManagerChecks,
  );
}

/** A push-manager in this process, with a client to it and scripted nodes. */
class Stage {
  readonly memory = new RegistryMemory();
  readonly metrics = new MetricsRegistry();
  readonly #nodes: ScriptedNode[] = [];
  readonly #proxies: FaultProxy[] = [];
  readonly #manager: Service<PushManagerReady>;
  client!: PushManagerServiceClient;
  ready!: PushManagerReady;

  constructor(env: Record<string, string>) {
    this.#manager = createPushManager({
      settings: settingsWith(env),
      registry: createRegistry({ kind: "memory", memory: this.memory }, () => {}),
      logger: createLogger({ service: "push-manager", level: "silent" }),
      metrics: this.metrics,
    });
  }

  static async start(env: Record<string, string> = {}): Promise<Stage> {
    const stage = new Stage(env);
    stage.ready = await stage.#manager.start();
    stage.client = new PushManagerServiceClient(stage.grpcAddress, credentials.createInsecure());
    stages.push(stage);
    return stage;
  }

  get grpcAddress(): string {
    return `127.0.0.1:${this.ready.ports.grpc}`;
  }

  /** A node that is registered and has its link. */
  async node(nodeId: string): Promise<ScriptedNode> {
    const node = new ScriptedNode(nodeId);
    await node.start();
    this.#nodes.push(node);
    await this.register(node, node.grpcAddress);
    return node;
  }

  /** A node as `node` makes it, behind a proxy that can hold what is sent to it. */
  async nodeBehindProxy(nodeId: string): Promise<{ node: ScriptedNode; proxy: FaultProxy }> {
    const node = new ScriptedNode(nodeId);
    await node.start();
    this.#nodes.push(node);
    const [host = "", port = ""] = node.grpcAddress.split(":");
    const proxy = await startFaultProxy({ host, port: Number(port) });
    this.#proxies.push(proxy);
    await this.register(node, `127.0.0.1:${proxy.port}`);
    return { node, proxy };
  }

  async register({ nodeId }: ScriptedNode, grpcAddress: string): Promise<void> {
    this.memory.set({
      nodeId,
      grpcAddress,
      state: "ready",
      zone: "zone-a",
      version: "1.2.3",
      startedAt: "2025-01-01T00:00:00.000Z",
    });
    await this.untilLink(nodeId, "live");
  }

  /** Asks again and again until the link is in that state; undefined: the node is not known. */
  async untilLink(nodeId: string, link: string | undefined): Promise<void> {
    for (;;) {
      const { nodes } = await this.listNodes();
      if (nodes.find((node) => node.nodeId === nodeId)?.link === link) return;
    }
  }

  /** Looks again and again until these nodes have acknowledged everything. */
  async untilAcked(...nodeIds: string[]): Promise<void> {
    for (const node_id of nodeIds) {
      while ((await this.metric("push_manager_link_lag", { node_id })) !== 0) await nextTurn();
    }
  }

  listNodes() {
    return call<ListNodesResponse>((done) =>
      this.client.listNodes({}, new Metadata(), { deadline: Date.now() + 2000 }, done),
    );
  }

  push(push: Partial<PushToRoomRequest> = {}, timeoutMs = 20_000): Promise<PushToRoomResponse> {
    return call((done) =>
      this.client.pushToRoom(
        roomPush(push),
        new Metadata(),
        { deadline: Date.now() + timeoutMs },
        done,
      ),
    );
  }

  async metric(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
    const found = await this.metrics.getSingleMetric(name)?.get();
    return found?.values.find(({ labels: has }) =>
      Object.entries(labels).every(([label, value]) => has[label] === value),
    )?.value;
  }

  stopManager(): Promise<void> {
    return this.#manager.stop();
  }

  async stop(): Promise<void> {
    this.client.close();
    // Or the stop waits for the final message to be acknowledged.
    for (const node of this.#nodes) node.script.acknowledges = true;
    await this.stopManager();
    for (const node of this.#nodes) node.stop();
    for (const proxy of this.#proxies) await proxy.close();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isListening(port: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(port), "localhost");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

const stages: Stage[] = [];

afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.stop();
});

function call<Response>(
  start: (done: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    start((error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

function roomPush(push: Partial<PushToRoomRequest> = {}): PushToRoomRequest {
  return {
    roomId: "room-001",
    content: Buffer.from("hello"),
    contentType: "",
    idempotencyKey: "",
    excludeUserIds: [],
    ephemeral: false,
    wait: Wait.WAIT_UNSPECIFIED,
    ...push,
  };
}

/** Sends pushes on one PushStream and collects the results. */
class Stream {
  readonly results: StreamResult[] = [];
  /** Of the messages that came. */
  largestBytes = 0;
  /** Messages that HTTP/2's flow control has let go. */
  written = 0;
  /** How it ended. */
  readonly ended: Promise<{ code: status; pushcastCode: string | undefined }>;
  readonly #call: ClientDuplexStream<PushStreamRequest, PushStreamResponse>;
  readonly #waiting: { count: number; resolve: () => void }[] = [];

  constructor(client: PushManagerServiceClient) {
    this.#call = client.pushStream();
    this.#call.on("data", (response: PushStreamResponse) => {
      this.results.push(...response.results);
      const bytes = PushStreamResponse.encode(response).finish().byteLength;
      this.largestBytes = Math.max(this.largestBytes, bytes);
      for (const { count, resolve } of this.#waiting) if (this.results.length >= count) resolve();
    });
    // Its status says the same.
    this.#call.on("error", () => {});
    this.ended = new Promise((resolve) => {
      this.#call.on("status", ({ code, metadata }) => {
        resolve({ code, pushcastCode: pushcastCode(metadata) });
      });
    });
  }

  /** One message. */
  send(pushes: PushStreamRequest["pushes"]): void {
    this.#call.write({ pushes }, () => {
      this.written += 1;
    });
  }

  end(): void {
    this.#call.end();
  }

  until(count: number): Promise<void> {
    if (this.results.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }
}

function streamPushes(count: number, from = 0, push: Partial<PushToRoomRequest> = {}) {
  return Array.from({ length: count }, (_, index) => ({
    requestId: String(from + index),
    push: { $case: "pushToRoom" as const, value: roomPush(push) },
  }));
}

function pushcastCode(metadata: Metadata): string | undefined {
  return metadata.get("pushcast-code")[0]?.toString();
}

/** The code and the machine-readable name of the error that a call ends with. */
async function errorOf(
  answer: Promise<unknown>,
): Promise<{ code: string; name: string | undefined }> {
  const error = await answer.then(
    () => undefined,
    (reason: ServiceError) => reason,
  );
  if (error === undefined) throw new Error("answered without an error");
  return { code: status[error.code], name: pushcastCode(error.metadata) };
}

function failures(report: DeliveryReport | undefined): string[] {
  return (report?.failures ?? []).map(({ nodeId, reason }) => {
    const [name] = Object.entries(FailureReason).find(([, value]) => value === reason) ?? [""];
    return `${nodeId} ${name.replace("FAILURE_REASON_", "")}`;
  });
}

const nodesTotal = "push_manager_broadcast_nodes_total";
const deliveredTotal = "push_manager_broadcast_delivered_total";

describe("reports", () => {
  test("a push is answered with its id and what the nodes did with it", async () => {
    const stage = await Stage.start();
    const [a, b] = [await stage.node("a"), await stage.node("b")];
    a.script.outcome = () => ({ sessionsDelivered: 2, sessionsLagging: 1 });
    b.script.outcome = () => undefined;
    const { messageId, report } = await stage.push();
    expect(messageId).toBe(`${stage.ready.epoch}-1`);
    expect(report).toEqual({
      nodesTotal: 2,
      nodesAcked: 2,
      nodesMatched: 1,
      sessionsDelivered: 2,
      sessionsLagging: 1,
      nodesDuplicate: 0,
      failures: [],
    });
    expect(
      a.messages.find(({ publications }) => publications.length > 0)?.publications,
    ).toMatchObject([
      { epoch: stage.ready.epoch, seq: 1n, roomId: "room-001", content: Buffer.from("hello") },
    ]);
    expect(await stage.metric(nodesTotal, { api: "PushToRoom" })).toBe(2);
    expect(await stage.metric(deliveredTotal, { api: "PushToRoom" })).toBe(1);
    expect(await stage.metric(nodesTotal, { api: "BroadcastMessage" })).toBe(0);
    expect(await stage.metric("push_manager_pushes_total", { api: "PushToRoom", code: "OK" })).toBe(
      1,
    );
  });

  test("WAIT_NONE is answered without waiting, with the number of nodes only", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const { messageId, report } = await stage.push({ wait: Wait.WAIT_NONE });
    expect(messageId).toBe(`${stage.ready.epoch}-1`);
    expect(report).toMatchObject({ nodesTotal: 1, nodesAcked: 0, failures: [] });
    await node.until(() => node.seqs.length === 1);
  });

  test("a node that breaks while it is awaited fails at once, and so it does until it is back", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const awaited = stage.push();
    await node.until(() => node.seqs.length === 1);
    node.stop();
    expect(failures((await awaited).report)).toEqual(["a LINK_DOWN"]);
    expect(failures((await stage.push()).report)).toEqual(["a LINK_DOWN"]);
  });

  test("a node whose server restarts is attached again, and gets only what it lacks", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    await stage.push();
    node.stop();
    await stage.untilLink("a", "down");
    await stage.push();
    await node.start();
    await stage.untilLink("a", "live");
    expect((await stage.push()).report).toMatchObject({ nodesAcked: 1, nodesMatched: 1 });
    expect(node.seqs).toEqual([1, 2, 3]);
    expect(node.hellos.at(-1)).toMatchObject({
      epoch: stage.ready.epoch,
      tailSeq: 0n,
      headSeq: 2n,
    });
  });

  test("after a missed deadline a node is not waited for; what it does late is still counted", async () => {
    const stage = await Stage.start({ ACK_TIMEOUT_MS: "500" });
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const waited = await stage.push();
    expect(waited.report?.failures).toMatchObject([{ message: "did not acknowledge in time" }]);
    const next = await stage.push();
    expect(next.report?.failures).toMatchObject([
      { message: "has not acknowledged since it missed a deadline" },
    ]);
    for (const { report } of [waited, next]) expect(failures(report)).toEqual(["a DEADLINE"]);
    await node.until(() => node.seqs.length === 2);

    node.acknowledgeAll([
      { seq: 1n, sessionsDelivered: 1, sessionsLagging: 0, duplicate: false },
      { seq: 2n, sessionsDelivered: 1, sessionsLagging: 0, duplicate: true },
    ]);
    node.script.acknowledges = true;
    await stage.untilAcked("a");
    expect(await stage.metric(deliveredTotal, { api: "PushToRoom" })).toBe(1);
    expect((await stage.push()).report).toMatchObject({ nodesAcked: 1, failures: [] });
  });

  test("an ephemeral push skips a node that is behind, and only that", async () => {
    const stage = await Stage.start();
    const { node: slow, proxy } = await stage.nodeBehindProxy("slow");
    const fast = await stage.node("fast");
    proxy.pause("to-target");
    const content = Buffer.alloc(200_000, "x");
    for (let count = 0; count < 4; count += 1) await stage.push({ content, wait: Wait.WAIT_NONE });
    await fast.until(() => fast.seqs.length === 4);
    const { report } = await stage.push({ ephemeral: true });
    expect(report).toMatchObject({ nodesTotal: 2, nodesAcked: 1 });
    expect(failures(report)).toEqual(["slow SKIPPED"]);
    proxy.unpause();
    expect((await stage.push()).report).toMatchObject({ nodesAcked: 2 });
    expect(slow.seqs).toEqual([1, 2, 3, 4, 6]);
    expect(fast.seqs).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("a node that fell off the log goes on from its tail, and the rest is a gap", async () => {
    const stage = await Stage.start({ LOG_BYTES: "1000000" });
    const { node: slow, proxy } = await stage.nodeBehindProxy("slow");
    const b = await stage.node("b");
    await stage.node("c");
    proxy.pause("to-target");
    const content = Buffer.alloc(200_000, "x");
    const pushes: Promise<PushToRoomResponse>[] = [];
    for (let count = 0; count < 12; count += 1) {
      pushes.push(stage.push({ content }));
      await b.until(() => b.seqs.length > count);
      await stage.untilAcked("b", "c");
    }
    proxy.unpause();
    const reports = await Promise.all(pushes);
    const lost = reports.filter(({ report }) => report?.failures.length === 1);
    expect(lost.length).toBeGreaterThan(0);
    for (const { report } of lost) expect(failures(report)).toEqual(["slow GAP"]);
    expect(slow.seqs).toHaveLength(12 - lost.length);
    const [skippedFrom] = slow.messages.flatMap((message, index) => {
      const before = slow.messages[index - 1];
      return before !== undefined && message.afterSeq > before.throughSeq ? [message] : [];
    });
    expect(skippedFrom).toBeDefined();
  });

  test("a caller's deadline is kept when it is nearer than ACK_TIMEOUT_MS", async () => {
    const stage = await Stage.start({ ACK_TIMEOUT_MS: "600000" });
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const { report } = await stage.push({}, 1000);
    expect(failures(report)).toEqual(["a DEADLINE"]);
  });

  test("a node that one caller did not wait long enough for is waited for by the next", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    node.script.acknowledges = false;
    expect(failures((await stage.push({}, 1000)).report)).toEqual(["a DEADLINE"]);
    const patient = stage.push();
    await node.until(() => node.seqs.length === 2);
    node.acknowledgeAll();
    expect((await patient).report).toMatchObject({ nodesAcked: 1, failures: [] });
  });
});

describe("nodes", () => {
  test("without any node a push is UNAVAILABLE and nothing is appended", async () => {
    const stage = await Stage.start();
    expect(await errorOf(stage.push())).toEqual({ code: "UNAVAILABLE", name: "NO_NODES" });
    await stage.node("a");
    expect((await stage.push()).messageId).toBe(`${stage.ready.epoch}-1`);
  });

  test("a healthy link outlives its key, and leaves when it breaks", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    stage.memory.delete("a");
    while ((await stage.listNodes()).nodes[0]?.state !== "");
    expect((await stage.push()).report).toMatchObject({ nodesTotal: 1, nodesAcked: 1 });
    expect(await stage.metric("push_manager_nodes", { state: "unregistered" })).toBe(1);
    expect(await stage.metric("push_manager_nodes", { state: "ready" })).toBe(0);
    node.stop();
    await stage.untilLink("a", undefined);
  });

  test("a node that says closing gets nothing more, and leaves", async () => {
    const stage = await Stage.start();
    const [a, b] = [await stage.node("a"), await stage.node("b")];
    await stage.push();
    a.sayClosing();
    await stage.untilLink("a", undefined);
    expect((await stage.push()).report).toMatchObject({ nodesTotal: 1, nodesAcked: 1 });
    expect(a.seqs).toEqual([1]);
    expect(b.seqs).toEqual([1, 2]);
  });

  test("ListNodes says of each node what is known, also of one that does not answer", async () => {
    const stage = await Stage.start();
    const [a, b] = [await stage.node("a"), await stage.node("b")];
    a.script.inspect = () => ({ sessions: 3, users: 2, rooms: 1 });
    b.script.inspect = () => undefined;
    expect(await stage.listNodes()).toEqual({
      nodesTotal: 2,
      nodesAnswered: 1,
      nodes: [
        {
          nodeId: "a",
          grpcAddress: a.grpcAddress,
          state: "ready",
          zone: "zone-a",
          version: "scripted",
          startedAtMs: BigInt(Date.UTC(2025, 0, 1)),
          link: "live",
          lag: 0n,
          sessions: 3,
          users: 2,
          rooms: 1,
        },
        expect.objectContaining({ nodeId: "b", link: "live", sessions: 0 }),
      ],
    });
  });

  test("GetRoom and GetUser add up what the nodes say, and tell when it is partial", async () => {
    const stage = await Stage.start();
    const [a, b, c] = [await stage.node("a"), await stage.node("b"), await stage.node("c")];
    const asked: string[] = [];
    a.script.inspect = ({ roomId, userId }) => {
      asked.push(`room ${roomId} user ${userId}`);
      return { sessions: 3, users: 2, userRooms: ["r2", "r1"] };
    };
    b.script.inspect = () => ({ sessions: 1, users: 1, userRooms: ["r1"] });
    c.script.inspect = () => undefined;
    const options = () => ({ deadline: Date.now() + 1000 });
    const partial = { nodesTotal: 3, nodesAnswered: 2 };
    const nodes = [
      { nodeId: "a", sessions: 3, users: 2 },
      { nodeId: "b", sessions: 1, users: 1 },
    ];
    expect(
      await call((done) =>
        stage.client.getRoom({ roomId: "room-001" }, new Metadata(), options(), done),
      ),
    ).toEqual({ sessions: 4, users: 3, ...partial, nodes });
    expect(
      await call((done) =>
        stage.client.getUser({ userId: "alice" }, new Metadata(), options(), done),
      ),
    ).toEqual({ sessions: 4, rooms: ["r1", "r2"], ...partial, nodes });
    expect(asked).toEqual(["room room-001 user ", "room  user alice"]);
  });

  test("commands go to the nodes in order with pushes, and count in no metric of them", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    const { client } = stage;
    const [userId, roomId] = ["alice", "room-001"];
    const joined = await call<JoinRoomResponse>((done) =>
      client.joinRoom({ userId, roomId }, done),
    );
    expect(joined.report).toMatchObject({ nodesAcked: 1, sessionsDelivered: 1 });
    await stage.push();
    await call((done) => client.leaveRoom({ userId, roomId }, done));
    const bye = { userId, code: 0, reason: "bye" };
    await call((done) => client.disconnectUser({ ...bye, revokeTokens: false }, done));
    const sinceMs = Date.now();
    await call((done) => client.disconnectUser({ ...bye, revokeTokens: true }, done));
    await call((done) => client.disconnectUser({ ...bye, code: 4999, revokeTokens: true }, done));
    const publications = node.messages.flatMap((message) => message.publications);
    const disconnected = (code: number, revokeIssuedBeforeMs: unknown) => ({
      $case: "disconnect",
      value: { userId, code, reason: "bye", revokeIssuedBeforeMs },
    });
    expect(publications.map(({ seq, command }) => [seq, command?.kind])).toEqual([
      [1n, { $case: "join", value: { userId, roomId } }],
      [2n, undefined],
      [3n, { $case: "leave", value: { userId, roomId } }],
      [4n, disconnected(4410, 0n)],
      [5n, disconnected(4401, expect.any(BigInt))],
      [6n, disconnected(4999, expect.any(BigInt))],
    ]);
    const { kind } = publications.at(-1)?.command ?? {};
    const revokedMs = kind?.$case === "disconnect" ? Number(kind.value.revokeIssuedBeforeMs) : 0;
    expect(revokedMs).toBeGreaterThanOrEqual(sinceMs);
    expect(revokedMs).toBeLessThanOrEqual(Date.now());
    expect(await stage.metric(nodesTotal, { api: "PushToRoom" })).toBe(1);
    expect(await stage.metric(deliveredTotal, { api: "PushToRoom" })).toBe(1);
    expect(await stage.metric(deliveredTotal, { api: "PushToUser" })).toBe(0);
  });
});

describe("idempotency", () => {
  test("a repeat waits for the first while it is in flight, and is answered with it ever after", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const first = stage.push({ idempotencyKey: "k", content: Buffer.from("first") });
    await node.until(() => node.seqs.length === 1);
    const second = stage.push({ idempotencyKey: "k", content: Buffer.from("second") });
    const marker = stage.push({ wait: Wait.WAIT_NONE });
    await marker;
    node.script.acknowledges = true;
    node.acknowledgeAll([{ seq: 1n, sessionsDelivered: 3, sessionsLagging: 0, duplicate: false }]);
    const answer = await first;
    expect(answer).toMatchObject({
      messageId: `${stage.ready.epoch}-1`,
      report: { nodesAcked: 1, sessionsDelivered: 3 },
    });
    expect(await second).toEqual(answer);
    expect(await stage.push({ idempotencyKey: "k" })).toEqual(answer);

    const broadcast = await call<PushToRoomResponse>((done) =>
      stage.client.broadcastMessage(
        {
          content: Buffer.from("x"),
          contentType: "",
          idempotencyKey: "k",
          excludeUserIds: [],
          ephemeral: false,
          wait: Wait.WAIT_NODES,
        },
        done,
      ),
    );
    expect(broadcast).toEqual(answer);
    const stream = new Stream(stage.client);
    stream.send(streamPushes(1, 0, { idempotencyKey: "k" }));
    await stream.until(1);
    expect(stream.results).toMatchObject([{ messageId: answer.messageId, report: answer.report }]);
    expect(node.seqs).toEqual([1, 2]);
    expect(await stage.metric(nodesTotal, { api: "PushToRoom" })).toBe(2);
    expect(await stage.metric("push_manager_idempotency_keys")).toBe(1);
  });

  test("a push that was refused leaves no key behind", async () => {
    const stage = await Stage.start();
    await errorOf(stage.push({ idempotencyKey: "k" }));
    await stage.node("a");
    expect((await stage.push({ idempotencyKey: "k" })).messageId).toBe(`${stage.ready.epoch}-1`);
  });

  test("a duplicate on a node counts in the report as the first did, and in no metric", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    node.script.outcome = () => ({ sessionsDelivered: 2, duplicate: true });
    const { report } = await stage.push({ idempotencyKey: "of another manager" });
    expect(report).toMatchObject({ nodesMatched: 1, nodesDuplicate: 1, sessionsDelivered: 2 });
    expect(await stage.metric(deliveredTotal, { api: "PushToRoom" })).toBe(0);
  });
});

describe("PushStream", () => {
  test("5,000 pushes are all answered, in far fewer messages to the node", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    const stream = new Stream(stage.client);
    for (let from = 0; from < 5000; from += 500) stream.send(streamPushes(500, from));
    stream.end();
    expect(await stream.ended).toEqual({ code: status.OK, pushcastCode: undefined });
    const ids = new Set(stream.results.map(({ requestId }) => Number(requestId)));
    expect(ids.size).toBe(5000);
    expect(stream.results).toHaveLength(5000);
    expect(stream.results.every(({ code, report }) => code === 0 && report?.nodesAcked === 1)).toBe(
      true,
    );
    expect(node.seqs).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
    expect(node.messages.length).toBeLessThan(100);
    expect(await stage.metric(nodesTotal, { api: "PushToRoom" })).toBe(5000);
  });

  test("the pushes of one message go to the node in one message", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    const stream = new Stream(stage.client);
    stream.send(streamPushes(100));
    await stream.until(100);
    const batches = node.messages.filter(({ publications }) => publications.length > 0);
    expect(batches).toHaveLength(1);
    expect(batches[0]).toMatchObject({ afterSeq: 0n, throughSeq: 100n });
  });

  test("a push's error is its result's code, and the stream goes on", async () => {
    const stage = await Stage.start();
    await stage.node("a");
    const stream = new Stream(stage.client);
    stream.send([
      ...streamPushes(1, 0, { roomId: "" }),
      { requestId: "1", push: undefined },
      ...streamPushes(1, 2),
    ]);
    await stream.until(3);
    expect(stream.results.map(({ requestId, code, error }) => [requestId, code, error])).toEqual([
      ["0", status.INVALID_ARGUMENT, "ROOM_INVALID: room_id must not be empty"],
      ["1", status.INVALID_ARGUMENT, expect.stringContaining("PUSH_MISSING")],
      ["2", status.OK, ""],
    ]);
  });

  test("a push whose request_id is too long is refused, and its id is cut", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    const stream = new Stream(stage.client);
    const [push] = streamPushes(1);
    // The 256th byte lies within the euro sign's three.
    const cut = "x".repeat(254);
    for (const requestId of [`${cut}€`, `${cut}ab`]) {
      stream.send([{ requestId, push: push?.push }]);
      await stream.until(stream.results.length + 1);
    }
    expect(stream.results.map(({ requestId, code }) => [requestId, code])).toEqual([
      [cut, status.INVALID_ARGUMENT],
      [`${cut}ab`, status.OK],
    ]);
    expect(stream.results[0]).toMatchObject({
      messageId: "",
      error: "REQUEST_ID_TOO_LONG: request_id must be at most 256 bytes",
    });
    expect(node.seqs).toEqual([1]);
  });

  test("request_ids of any length end no stream by the size of the results", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const stream = new Stream(stage.client);
    // Together more than the 4 MiB that a client takes in one message.
    for (let from = 0; from < 4096; from += 1024) {
      stream.send(
        streamPushes(1024, from).map((push) => ({
          ...push,
          requestId: push.requestId.padEnd(2000, "x"),
        })),
      );
    }
    const longest = streamPushes(4096).map((push) => ({
      ...push,
      requestId: push.requestId.padEnd(256, "x"),
    }));
    for (let from = 0; from < 4096; from += 1024) stream.send(longest.slice(from, from + 1024));
    stream.end();
    await node.until(() => node.seqs.length >= 4096);
    node.script.acknowledges = true;
    node.acknowledgeAll();
    expect(await stream.ended).toMatchObject({ code: status.OK });
    expect(stream.results).toHaveLength(8192);
    expect(stream.largestBytes).toBeLessThan(1024 * 1024);
  });

  test("a stream that has too many in flight is read on when they are answered", async () => {
    const stage = await Stage.start({ STREAM_MAX_IN_FLIGHT: "10" });
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const stream = new Stream(stage.client);
    stream.send(streamPushes(25));
    stream.send(streamPushes(25, 25));
    stream.end();
    await node.until(() => node.seqs.length === 10);
    expect(await stage.metric("push_manager_pending_pushes")).toBe(10);
    node.script.acknowledges = true;
    node.acknowledgeAll();
    expect(await stream.ended).toMatchObject({ code: status.OK });
    expect(stream.results).toHaveLength(50);
  });
});

describe("back-pressure", () => {
  test("what a stream sends beyond its pushes in flight stays with its sender", async () => {
    const stage = await Stage.start({ STREAM_MAX_IN_FLIGHT: "10" });
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const stream = new Stream(stage.client);
    const content = Buffer.alloc(100_000, "x");
    const messages = 40;
    for (let from = 0; from < 10 * messages; from += 10) {
      stream.send(streamPushes(10, from, { content }));
    }
    stream.end();
    await node.until(() => node.seqs.length === 10);
    // Answered on the connection that the stream has filled: the manager goes on reading that.
    for (let times = 0; times < 10; times += 1) await errorOf(stage.push({ roomId: "" }));
    expect(stream.written).toBeLessThan(5);
    expect(await stage.metric("push_manager_pending_pushes")).toBe(10);
    expect(await stage.metric("push_manager_log_bytes")).toBeLessThan(1_100_000);
    node.script.acknowledges = true;
    node.acknowledgeAll();
    expect(await stream.ended).toMatchObject({ code: status.OK });
    expect(stream.results).toHaveLength(10 * messages);
    expect(stream.results.every(({ code }) => code === status.OK)).toBe(true);
  });

  test("while most links lag by more than a quarter of the log, unary pushes are refused and streams wait", async () => {
    const stage = await Stage.start({ LOG_BYTES: "4000000" });
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const content = Buffer.alloc(200_000, "x");
    let refused: { code: string; name: string | undefined } | undefined;
    for (let count = 0; refused === undefined && count < 20; count += 1) {
      await stage.push({ content, wait: Wait.WAIT_NONE }).catch(async (error: ServiceError) => {
        refused = await errorOf(Promise.reject(error));
      });
    }
    expect(refused).toEqual({ code: "RESOURCE_EXHAUSTED", name: "BACK_PRESSURE" });
    expect(await stage.metric("push_manager_held")).toBe(1);

    const stream = new Stream(stage.client);
    stream.send(streamPushes(3));
    const before = node.seqs.length;
    expect(await errorOf(stage.push())).toMatchObject({ name: "BACK_PRESSURE" });
    node.script.acknowledges = true;
    node.acknowledgeAll();
    await stream.until(3);
    expect(stream.results.every(({ code }) => code === status.OK)).toBe(true);
    expect(node.seqs.length).toBe(before + 3);
    expect((await stage.push()).report).toMatchObject({ nodesAcked: 1 });
  });

  test("more pushes than MAX_PENDING_PUSHES are refused", async () => {
    const stage = await Stage.start({ MAX_PENDING_PUSHES: "2" });
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const pending = [stage.push(), stage.push()];
    await node.until(() => node.seqs.length === 2);
    expect(await errorOf(stage.push())).toEqual({
      code: "RESOURCE_EXHAUSTED",
      name: "BACK_PRESSURE",
    });
    node.script.acknowledges = true;
    node.acknowledgeAll();
    await Promise.all(pending);
    expect((await stage.push()).report).toMatchObject({ nodesAcked: 1 });
  });
});

describe("stop", () => {
  test("in-flight pushes are answered, new ones refused, links told that it was the last", async () => {
    const stage = await Stage.start();
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const stream = new Stream(stage.client);
    stream.send(streamPushes(1));
    const unary = stage.push();
    await node.until(() => node.seqs.length === 2);
    const stopped = stage.stopManager();
    expect(await errorOf(stage.push())).toEqual({ code: "UNAVAILABLE", name: "STOPPING" });
    expect(node.messages.some(({ final }) => final)).toBe(false);
    node.script.acknowledges = true;
    node.acknowledgeAll();
    expect((await unary).report).toMatchObject({ nodesAcked: 1 });
    expect(await stream.ended).toEqual({ code: status.UNAVAILABLE, pushcastCode: "STOPPING" });
    expect(stream.results).toMatchObject([{ code: status.OK, report: { nodesAcked: 1 } }]);
    await stopped;
    expect(node.messages.at(-1)).toMatchObject({ final: true, throughSeq: 2n, publications: [] });
  });

  test("a node that is silent holds up neither the answers nor the stop", async () => {
    const stage = await Stage.start({ STOP_SECONDS: "1" });
    const node = await stage.node("a");
    node.script.acknowledges = false;
    const awaited = stage.push();
    await node.until(() => node.seqs.length === 1);
    await stage.stopManager();
    expect(failures((await awaited).report)).toEqual(["a DEADLINE"]);
  });

  test("a stop while it starts leaves nothing listening", async () => {
    const [grpcPort, opsPort] = await freePorts(2, "localhost");
    const [GRPC_PORT, OPS_PORT] = [String(grpcPort), String(opsPort)];
    const manager = createPushManager({
      // A name is looked up before its address is listened on.
      settings: settingsWith({
        GRPC_HOST: "localhost",
        OPS_HOST: "localhost",
        GRPC_PORT,
        OPS_PORT,
      }),
      logger: createLogger({ service: "push-manager", level: "silent" }),
    });
    const started = manager.start();
    const stopped = manager.stop();
    await expect(started).rejects.toThrow("stopped while it started");
    await stopped;
    expect(await isListening(GRPC_PORT)).toBe(false);
    expect(await isListening(OPS_PORT)).toBe(false);
    await expect(manager.start()).rejects.toThrow("stopped");
  });
});

describe("validation", () => {
  const long = "x".repeat(257);
  const users = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`);
  const pushToUser = {
    userId: "alice",
    content: Buffer.from("x"),
    contentType: "",
    idempotencyKey: "",
    roomId: "",
    ephemeral: false,
    wait: Wait.WAIT_NODES,
  };

  test.each<[string, Partial<PushToRoomRequest>]>([
    ["ROOM_INVALID", { roomId: "" }],
    ["ROOM_INVALID", { roomId: long }],
    ["ROOM_INVALID", { roomId: "a\u0000b" }],
    ["USER_INVALID", { excludeUserIds: ["ok", ""] }],
    ["TOO_MANY_EXCLUDED", { excludeUserIds: users(1001) }],
    ["IDEMPOTENCY_KEY_TOO_LONG", { idempotencyKey: "ä".repeat(65) }],
    ["CONTENT_TYPE_INVALID", { contentType: `text/${"x".repeat(123)}` }],
    ["CONTENT_INVALID", { content: Buffer.from([0xff]) }],
    ["CONTENT_INVALID", { content: Buffer.from("{"), contentType: "application/json" }],
    ["CONTENT_INVALID", { content: Buffer.alloc(0), contentType: "application/x+JSON; a=b" }],
    ["WAIT_INVALID", { wait: 7 as Wait }],
  ])("%s: INVALID_ARGUMENT (%#)", async (name, push) => {
    const stage = await Stage.start();
    expect(await errorOf(stage.push(push))).toEqual({ code: "INVALID_ARGUMENT", name });
    expect(
      await stage.metric("push_manager_pushes_total", {
        api: "PushToRoom",
        code: "INVALID_ARGUMENT",
      }),
    ).toBe(1);
  });

  test("content over MAX_CONTENT_BYTES is named, and a body that gRPC refuses has the same code", async () => {
    const stage = await Stage.start();
    const push = (bytes: number) => errorOf(stage.push({ content: Buffer.alloc(bytes, "x") }));
    expect(await push(262_145)).toEqual({ code: "RESOURCE_EXHAUSTED", name: "CONTENT_TOO_LARGE" });
    expect(await push(5_000_000)).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  });

  test("the largest push that is legal is taken", async () => {
    const stage = await Stage.start();
    await stage.node("a");
    const excludeUserIds = users(1000).map((user) => user.padEnd(256, "x"));
    const { report } = await stage.push({
      roomId: "r".repeat(256),
      content: Buffer.alloc(262_144, "x"),
      idempotencyKey: "k".repeat(128),
      excludeUserIds,
    });
    expect(report).toMatchObject({ nodesAcked: 1 });
  });

  test("users, rooms and codes of the other rpcs", async () => {
    const { client } = await Stage.start();
    const error = (start: Parameters<typeof call>[0]) => errorOf(call(start));
    const invalid = (name: string) => ({ code: "INVALID_ARGUMENT", name });
    const bye = { userId: "alice", code: 4000, reason: "", revokeTokens: false };
    expect([
      await error((done) => client.pushToUser({ ...pushToUser, userId: "" }, done)),
      await error((done) => client.pushToUser({ ...pushToUser, roomId: long }, done)),
      await error((done) => client.joinRoom({ userId: "", roomId: "r" }, done)),
      await error((done) => client.leaveRoom({ userId: "u", roomId: "" }, done)),
      await error((done) => client.disconnectUser({ ...bye, userId: "" }, done)),
      await error((done) => client.disconnectUser({ ...bye, code: 3999 }, done)),
      await error((done) => client.disconnectUser({ ...bye, code: 5000 }, done)),
      await error((done) => client.disconnectUser({ ...bye, reason: "x".repeat(124) }, done)),
      await error((done) => client.getRoom({ roomId: "" }, done)),
      await error((done) => client.getUser({ userId: "" }, done)),
    ]).toEqual([
      invalid("USER_INVALID"),
      invalid("ROOM_INVALID"),
      invalid("USER_INVALID"),
      invalid("ROOM_INVALID"),
      invalid("USER_INVALID"),
      invalid("CODE_INVALID"),
      invalid("CODE_INVALID"),
      invalid("REASON_TOO_LONG"),
      invalid("ROOM_INVALID"),
      invalid("USER_INVALID"),
    ]);
  });
});

describe("operations", () => {
  const bytes = (message: Buffer) => message;

  test("health is SERVING for the server and the service, also without a node", async () => {
    const stage = await Stage.start();
    const client = new Client(stage.grpcAddress, credentials.createInsecure());
    for (const service of ["", "pushcast.v1.PushManagerService"]) {
      const request = Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
      const response = await call<Buffer | undefined>((done) =>
        client.makeUnaryRequest("/grpc.health.v1.Health/Check", bytes, bytes, request, done),
      );
      expect([...(response ?? [])]).toEqual([0x08, 1]);
    }
    client.close();
  });

  test("reflection lists the service", async () => {
    const stage = await Stage.start();
    expect(await listServices(stage.grpcAddress)).toContain("pushcast.v1.PushManagerService");
  });

  test("the ops port says ready, and shows the metrics of each api from the start", async () => {
    const stage = await Stage.start();
    const ops = `http://127.0.0.1:${stage.ready.ports.ops}`;
    expect((await fetch(`${ops}/livez`)).status).toBe(200);
    expect((await fetch(`${ops}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${ops}/metrics`)).text();
    for (const api of ["PushToRoom", "PushToUser", "BroadcastMessage"]) {
      expect(metrics).toContain(`push_manager_broadcast_nodes_total{api="${api}"} 0`);
      expect(metrics).toContain(`push_manager_broadcast_delivered_total{api="${api}"} 0`);
      for (const code of ["OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "UNAVAILABLE"]) {
        expect(metrics).toContain(`push_manager_pushes_total{api="${api}",code="${code}"} 0`);
      }
      expect(metrics).toContain(`push_manager_push_seconds_count{api="${api}"} 0`);
    }
    for (const reason of ["DEADLINE", "LINK_DOWN", "GAP", "SKIPPED"]) {
      expect(metrics).toContain(`push_manager_node_failures_total{reason="${reason}"} 0`);
    }
    expect(metrics).toContain("push_manager_log_bytes 0");
  });
});
