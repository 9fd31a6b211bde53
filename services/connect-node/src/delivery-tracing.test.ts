import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import { FakeManager } from "../test/fake-manager.ts";
import { EPOCH_B, Stage } from "../test/stage.ts";
import { DeliveryTracing } from "./delivery-tracing.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const SAMPLED = `00-${TRACE}-${SPAN}-01`;

function stageWithSpans({ isOn = true } = {}) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const traces = { tracer: isOn ? provider.getTracer("test") : undefined };
  const stage = new Stage({}, undefined, undefined, (clock) => {
    return new DeliveryTracing({ traces, nodeId: "node-1", clock });
  });
  return { stage, spans: () => exporter.getFinishedSpans() };
}

test("a publication has one span, whatever its sessions, which ends when all of them are written to", async () => {
  const { stage, spans } = stageWithSpans();
  for (const user of ["a", "b", "c"]) stage.open(user, { rooms: ["r"] });
  stage.push({ roomId: "r", traceparent: SAMPLED });
  expect(spans()).toEqual([]);
  stage.clock.advance(7);
  await stage.settle();

  expect(spans()).toHaveLength(1);
  const [span] = spans();
  expect(span?.parentSpanContext?.spanId).toBe(SPAN);
  expect(span?.attributes).toMatchObject({
    "pushcast.target": "room",
    "pushcast.sessions_delivered": 3,
    "pushcast.sessions_lagging": 0,
    "pushcast.delay_ms": 7,
  });
});

test("the span of a publication that is for nobody here ends at once", () => {
  const { stage, spans } = stageWithSpans();
  stage.push({ roomId: "nobody is here", traceparent: SAMPLED });
  expect(spans().map(({ attributes }) => attributes["pushcast.sessions_delivered"])).toEqual([0]);
});

test("a repeat by its key has a span that says so", async () => {
  const { stage, spans } = stageWithSpans();
  stage.open("a", { rooms: ["r"] });
  stage.push({ roomId: "r", idempotencyKey: "k" });
  stage.push({ roomId: "r", idempotencyKey: "k", traceparent: SAMPLED });
  await stage.settle();
  expect(spans().map(({ attributes }) => attributes["pushcast.duplicate"])).toEqual([true]);
});

test.each([
  ["is not sampled", `00-${TRACE}-${SPAN}-00`],
  ["cannot be read", "nonsense"],
  ["is none", undefined],
])("a publication whose traceparent %s has no span, and is delivered", async (_, traceparent) => {
  const { stage, spans } = stageWithSpans();
  const client = stage.open("a", { rooms: ["r"] });
  stage.push({ roomId: "r", text: "1", traceparent });
  await stage.settle();
  expect(client.messages).toEqual(["1"]);
  expect(spans()).toEqual([]);
});

test("where traces are off, a publication of a push that is traced has no span", async () => {
  const { stage, spans } = stageWithSpans({ isOn: false });
  stage.open("a", { rooms: ["r"] });
  stage.push({ roomId: "r", traceparent: SAMPLED });
  await stage.settle();
  expect(spans()).toEqual([]);
});

test("a copy from a peer's log is of no trace, but keeps the traceparent byte by byte", async () => {
  const { stage, spans } = stageWithSpans();
  const client = stage.open("a", { rooms: ["r"] });
  const encoded = new FakeManager(EPOCH_B).encode({
    roomId: "r",
    text: "copied",
    traceparent: SAMPLED,
  });
  stage.core.intake.takeCopied(stage.core.intake.readCopied(encoded));
  await stage.settle();
  expect(client.messages).toEqual(["copied"]);
  expect(spans()).toEqual([]);
  expect(stage.core.log.at(0)?.publication.traceparent).toBe(SAMPLED);
});
