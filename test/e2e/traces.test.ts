import { randomBytes } from "node:crypto";
import { context, propagation, ROOT_CONTEXT, TraceFlags, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { StackContextManager } from "@opentelemetry/sdk-trace";
import { createPushClient, PushToRoomRequest, type StreamPush } from "@pushcast/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blockOf } from "../docs/pages.ts";
import { freePorts } from "../support/free-ports.ts";
import { type OtlpCollector, startOtlpCollector } from "../support/otlp-collector.ts";
import type { RunningManager, RunningNode, Settings } from "../support/processes.ts";
import { startRecordingNode } from "../support/recording-node.ts";
import { Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

const ROOM = "a-room-that-nobody-else-may-know";
const CONTENT = "what-was-said-there";
const USER = "somebody";

interface Caller {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceparent: string;
}

/** What a biz-server that is traced sends. */
function caller(flags: "00" | "01" = "01"): Caller {
  const traceId = randomBytes(16).toString("hex");
  const spanId = randomBytes(8).toString("hex");
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
}

/** Does it as a biz-server does that has registered OpenTelemetry, and has begun this span. */
function within<Result>(span: Pick<Caller, "traceId" | "spanId">, act: () => Result): Result {
  context.setGlobalContextManager(new StackContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const caller = { ...span, traceFlags: TraceFlags.SAMPLED };
  try {
    return context.with(trace.setSpanContext(ROOT_CONTEXT, caller), act);
  } finally {
    propagation.disable();
    context.disable();
  }
}

describe("with a collector", () => {
  const stage = new Stage();
  let collector: OtlpCollector;
  let nodes: RunningNode[];
  const managers: RunningManager[] = [];
  let traced: Settings;

  beforeAll(async () => {
    const opened = await startOtlpCollector();
    collector = opened;
    stage.atEnd(() => opened.close());
    traced = {
      OTEL_EXPORTER_OTLP_ENDPOINT: opened.endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=not%20to%20be%20told",
      OTEL_BSP_SCHEDULE_DELAY: 20,
      // Only what comes with a trace is sampled.
      OTEL_TRACES_SAMPLER_ARG: 0,
      LOG_LEVEL: "debug",
    };
    nodes = await Promise.all(
      ["node-a", "node-b"].map((name) =>
        stage.node({ REGISTRY: "memory", POD_NAME: name, ...traced }),
      ),
    );
    const [first, second] = nodes as [RunningNode, RunningNode];
    for (const [node, userId] of [
      [first, USER],
      [second, `${USER}-else`],
    ] as const) {
      const client = await stage.client(node, { userId });
      await client.joinAll([ROOM]);
    }
  });

  afterAll(() => stage.close());

  async function managerOf(settings: Settings, addresses?: string[]): Promise<RunningManager> {
    const manager = await stage.manager({
      REGISTRY: "static",
      NODES: (addresses ?? nodes.map(({ grpcAddress }) => grpcAddress)).join(),
      ...settings,
    });
    managers.push(manager);
    await stage
      .publisher(manager)
      .untilLinked(addresses === undefined ? nodes.map(({ nodeId }) => nodeId) : ["recording"]);
    return manager;
  }

  test("a push is one trace, from its caller through the manager and its links to the sockets of each node", async () => {
    const manager = await managerOf(traced);
    const { traceId, spanId } = caller();
    const bizServer = createPushClient({ address: manager.grpcAddress });
    stage.atEnd(() => bizServer.close());
    const { messageId } = await within({ traceId, spanId }, () =>
      bizServer.pushToRoom(ROOM, CONTENT, { excludeUserIds: ["nobody"] }),
    );

    const spans = await collector.trace(traceId, 5);
    const [push, ...others] = spans.sort((a, b) => b.name.length - a.name.length);
    expect(push).toMatchObject({
      service: "push-manager",
      instance: manager.epoch,
      name: "pushcast.v1.PushManagerService/PushToRoom",
      parentSpanId: spanId,
      isError: false,
      attributes: {
        "pushcast.message_id": messageId,
        "pushcast.nodes_total": 2,
        "pushcast.nodes_acked": 2,
        "pushcast.sessions_delivered": 2,
      },
    });
    expect(others.map(({ parentSpanId }) => parentSpanId)).toEqual(Array(4).fill(push?.spanId));
    const summary = others.map(({ service, name, attributes }) => [
      service,
      name,
      attributes["pushcast.node_id"],
      attributes["pushcast.sessions_delivered"],
    ]);
    expect(summary.sort()).toEqual([
      ["connect-node", "pushcast.deliver", "node-a", 1],
      ["connect-node", "pushcast.deliver", "node-b", 1],
      ["push-manager", "pushcast.link", "node-a", 1],
      ["push-manager", "pushcast.link", "node-b", 1],
    ]);
    const { code } = blockOf("docs/operations.md", "biz-server's span");
    const drawn = Array.from(
      code.matchAll(/─ (\S+)(?: +\{node_id: (.+)\})?/g),
      ([, ...span]) => span,
    );
    const made = spans.map(({ name, attributes }) => [name, attributes["pushcast.node_id"]]);
    expect(drawn.sort()).toEqual(made.sort());
    for (const { name, attributes } of others) {
      if (name !== "pushcast.deliver") continue;
      expect(attributes["pushcast.message_id"]).toBe(messageId);
      expect(attributes["pushcast.delay_ms"]).toBeLessThan(10_000);
    }
  });

  test("a push that is refused is a trace with its code, and no more of what was sent", async () => {
    const manager = await managerOf(traced);
    const { traceId, traceparent } = caller();
    const push = stage.publisher(manager, { traceparent }).pushToRoom({ roomId: "" });
    await expect(push).rejects.toThrow("room_id");

    const [span] = await collector.trace(traceId, 1);
    expect(span).toMatchObject({ isError: true, attributes: { "pushcast.code": "ROOM_INVALID" } });
  });

  test("a push in a PushStream is of its own caller's trace, or begins one that links to the stream", async () => {
    const manager = await managerOf({ ...traced, OTEL_TRACES_SAMPLER_ARG: 1 });
    const own = caller();
    const unsampled = caller("00");
    const stream = caller();
    const push = (requestId: string): StreamPush => ({
      requestId,
      push: { $case: "pushToRoom", value: PushToRoomRequest.fromPartial({ roomId: ROOM }) },
    });
    const results = await stage.publisher(manager, { traceparent: stream.traceparent }).pushStream(
      [
        { ...push("own"), traceparent: own.traceparent },
        { ...push("unsampled"), traceparent: unsampled.traceparent },
        { ...push("malformed"), traceparent: "00-xyz" },
      ],
      10,
    );
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);

    const spans = await collector.trace(own.traceId, 5);
    const isPush = ({ name }: { name: string }) => name.endsWith("/PushStream");
    expect(spans.find(isPush)).toMatchObject({ parentSpanId: own.spanId });
    await until("the trace that began here", () =>
      collector.spans.some((span) => isPush(span) && span.traceId !== own.traceId),
    );
    const began = collector.spans.filter((span) => isPush(span) && span.traceId !== own.traceId);
    expect(began).toMatchObject([{ parentSpanId: "", linkedTraceIds: [stream.traceId] }]);
    expect(collector.spans.map(({ traceId }) => traceId)).not.toContain(unsampled.traceId);
  });

  test("a push that is not sampled has no traceparent on the link, and no span", async () => {
    const node = await startRecordingNode("recording");
    stage.atEnd(() => node.close());
    const manager = await managerOf(traced, [node.grpcAddress]);
    const [sampled, unsampled] = [caller("01"), caller("00")];
    for (const traceparent of [
      unsampled.traceparent,
      "00-0-0-01",
      undefined,
      sampled.traceparent,
    ]) {
      const options = traceparent === undefined ? {} : { traceparent };
      await stage.publisher(manager, options).pushToRoom({ roomId: ROOM });
    }

    const sent = node.requests.flatMap(({ publications }) => publications);
    const traceparents = sent.map(({ traceparent }) => traceparent);
    expect(traceparents).toEqual([
      undefined,
      undefined,
      undefined,
      expect.stringMatching(new RegExp(`^00-${sampled.traceId}-[0-9a-f]{16}-01$`)),
    ]);
    const spans = await collector.trace(sampled.traceId, 2);
    expect(spans.every(({ instance }) => instance === manager.epoch)).toBe(true);
    const ofManager = collector.spans.filter(({ instance }) => instance === manager.epoch);
    expect(ofManager).toHaveLength(2);
  });

  test("what waits is exported when a manager stops", async () => {
    const manager = await managerOf({ ...traced, OTEL_BSP_SCHEDULE_DELAY: 600_000 });
    const { traceId, traceparent } = caller();
    await stage.publisher(manager, { traceparent }).pushToUser({ userId: USER });
    expect(await manager.process.stop()).toBe(0);
    const services = collector.spans
      .filter((span) => span.traceId === traceId)
      .map(({ service }) => service);
    expect(services.filter((service) => service === "push-manager")).toHaveLength(3);
  });

  test("rooms, users, contents and headers are in no span and no log", () => {
    expect(collector.spans.length).toBeGreaterThan(0);
    expect(collector.lastHeaders["x-api-key"]).toBe("not to be told");
    const secrets = [ROOM, USER, CONTENT];
    for (const secret of secrets) expect(collector.received).not.toContain(secret);
    expect(managers).not.toEqual([]);
    for (const { process } of [...nodes, ...managers]) {
      expect(process.stderr).toContain("traces are exported");
      for (const secret of [...secrets, "to%20be", "to be told"]) {
        expect(process.stderr).not.toContain(secret);
      }
    }
  });
});

describe("a collector that is gone", () => {
  const PUSHES = 200;
  const MAX_WAITING = 20;

  async function pushAll(stage: Stage, endpoint: string): Promise<RunningManager> {
    const node = await startRecordingNode("recording");
    stage.atEnd(() => node.close());
    const manager = await stage.manager({
      REGISTRY: "static",
      NODES: node.grpcAddress,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_TIMEOUT: 300,
      OTEL_BSP_SCHEDULE_DELAY: 20,
      OTEL_BSP_MAX_QUEUE_SIZE: MAX_WAITING,
      OTEL_TRACES_SAMPLER_ARG: 1,
    });
    const publisher = stage.publisher(manager);
    await publisher.untilLinked(["recording"]);
    const pushes = Array.from({ length: PUSHES }, () => publisher.pushToRoom({ roomId: ROOM }));
    for (const { report } of await Promise.all(pushes)) expect(report.nodesAcked).toBe(1);
    return manager;
  }

  async function spans(manager: RunningManager, result: string): Promise<number> {
    return (await manager.metrics()).value("push_manager_spans_total", { result });
  }

  test("harms no push: its spans fail or are dropped, and both are counted and logged once", async () => {
    const stage = new Stage();
    try {
      const [port] = await freePorts(1);
      const manager = await pushAll(stage, `http://127.0.0.1:${port}`);
      expect(await spans(manager, "dropped")).toBeGreaterThanOrEqual(2 * PUSHES - 2 * MAX_WAITING);
      await until("spans have failed", async () => (await spans(manager, "failed")) > 0);
      expect(await spans(manager, "exported")).toBe(0);
      const told = manager.process.logLines.filter(
        ({ msg }) => msg === "traces cannot be exported",
      );
      expect(told).toHaveLength(1);
      expect(await manager.process.stop()).toBe(0);
    } finally {
      await stage.close();
    }
  });

  test("does not hold up a stop, though it takes connections and never answers", async () => {
    const stage = new Stage();
    const collector = await startOtlpCollector({ answers: false });
    try {
      const manager = await pushAll(stage, collector.endpoint);
      expect(await manager.process.stop()).toBe(0);
    } finally {
      await stage.close();
      await collector.close();
    }
  });
});
