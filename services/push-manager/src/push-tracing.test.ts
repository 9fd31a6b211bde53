import { Metadata } from "@grpc/grpc-js";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import { PushTracing } from "./push-tracing.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

/** @param random what the dice say */
function stage({ ratio = 0.5, random = 0.5, isOn = true } = {}) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = isOn ? provider.getTracer("test") : undefined;
  const tracing = new PushTracing({ traces: { tracer, ratio }, random: () => random });
  return { tracing, spans: () => exporter.getFinishedSpans() };
}

function metadata(traceparent?: string, tracestate?: string): Metadata {
  const made = new Metadata();
  if (traceparent !== undefined) made.set("traceparent", traceparent);
  if (tracestate !== undefined) made.set("tracestate", tracestate);
  return made;
}

const ANSWER = {
  messageId: "00000000000000aa-1",
  report: {
    nodesTotal: 0,
    nodesAcked: 0,
    nodesMatched: 0,
    sessionsDelivered: 0,
    sessionsLagging: 0,
    failures: [],
    nodesDuplicate: 0,
  },
};

test("without a tracer no push is traced, whatever its caller says", () => {
  const { tracing } = stage({ isOn: false, ratio: 1 });
  const given = metadata(`00-${TRACE}-${SPAN}-01`);
  expect(tracing.begin("PushToRoom", given)).toBeUndefined();
  expect(tracing.ofStream(given)).toBeUndefined();
});

test("a push of a trace is sampled where its caller says so, whatever the ratio", () => {
  const never = stage({ ratio: 0 }).tracing;
  expect(never.begin("PushToRoom", metadata(`00-${TRACE}-${SPAN}-01`))).toBeDefined();
  const always = stage({ ratio: 1 }).tracing;
  expect(always.begin("PushToRoom", metadata(`00-${TRACE}-${SPAN}-00`))).toBeUndefined();
});

test("of the pushes that come without a trace, or with one that cannot be read, a share begins one", () => {
  for (const given of [metadata(), metadata("00-nonsense")]) {
    expect(stage({ random: 0.49 }).tracing.begin("PushToUser", given)).toBeDefined();
    expect(stage({ random: 0.5 }).tracing.begin("PushToUser", given)).toBeUndefined();
  }
});

test("a push's span is its caller's child, and what goes with the publication is its own context", () => {
  const { tracing, spans } = stage();
  const trace = tracing.begin("PushToRoom", metadata(`00-${TRACE}-${SPAN}-01`, "vendor=some"));
  trace?.answered(ANSWER);

  const [span] = spans();
  expect(span?.parentSpanContext?.spanId).toBe(SPAN);
  expect(span?.spanContext().traceState?.serialize()).toBe("vendor=some");
  expect(trace?.traceparent).toBe(`00-${TRACE}-${span?.spanContext().spanId}-01`);
});

test("a push that begins a trace in a stream links to the stream's", () => {
  const { tracing, spans } = stage({ ratio: 1 });
  const stream = tracing.ofStream(metadata(`00-${TRACE}-${SPAN}-00`));
  stream?.begin("PushToRoom", {})?.answered(ANSWER);

  const [span] = spans();
  expect(span?.parentSpanContext).toBeUndefined();
  expect(span?.links.map(({ context }) => context.traceId)).toEqual([TRACE]);
});

test("a node's span ends with its acknowledgement, or with an error that says why there is none", () => {
  const { tracing, spans } = stage({ ratio: 1 });
  const trace = tracing.begin("PushToRoom", metadata());
  const [quick, slow] = ["quick", "slow"].map((nodeId) => ({ nodeId, missedDeadline: false }));
  if (trace === undefined || quick === undefined || slow === undefined) throw new Error("no trace");
  trace.queued(quick);
  trace.queued(slow);
  trace.outcome(quick, { seq: 1, sessionsDelivered: 2, sessionsLagging: 1, duplicate: false });
  trace.acked(quick);
  trace.failed(slow, "did not acknowledge in time");
  trace.answered(ANSWER);

  expect(spans().map(({ attributes, status }) => [attributes["pushcast.node_id"], status])).toEqual(
    [
      ["quick", { code: 0 }],
      ["slow", { code: 2, message: "did not acknowledge in time" }],
      [undefined, { code: 0 }],
    ],
  );
  expect(spans()[0]?.attributes).toMatchObject({
    "pushcast.sessions_delivered": 2,
    "pushcast.sessions_lagging": 1,
  });
});
