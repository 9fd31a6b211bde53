import { Metadata } from "@grpc/grpc-js";
import { context, propagation, ROOT_CONTEXT, TraceFlags, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { StackContextManager } from "@opentelemetry/sdk-trace";
import { expect, onTestFinished, test } from "vitest";
import { accept, clientOf, startScriptedManager } from "../../test-fixtures/scripted-manager.ts";
import { injectTrace } from "./trace-context.ts";

const CALLER = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: TraceFlags.SAMPLED,
};

const TRACEPARENT = `00-${CALLER.traceId}-${CALLER.spanId}-01`;

function withinCaller<Result>(act: () => Result): Result {
  return context.with(trace.setSpanContext(ROOT_CONTEXT, CALLER), act);
}

function injected(): Record<string, unknown> {
  const metadata = new Metadata();
  withinCaller(() => injectTrace(metadata));
  return metadata.getMap();
}

/** As an SDK does it at a process's start. */
function registerOpenTelemetry(): void {
  context.setGlobalContextManager(new StackContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  onTestFinished(() => {
    propagation.disable();
    context.disable();
  });
}

test("a call has nothing of a trace where the process has no OpenTelemetry", () => {
  expect(injected()).toEqual({});
});

test("a call has the trace that it is made in, as the process's OpenTelemetry writes it", () => {
  registerOpenTelemetry();
  expect(injected()).toEqual({ traceparent: TRACEPARENT });
});

test("each push of a stream has the trace that it is made in", async () => {
  registerOpenTelemetry();
  const traceparents: (string | undefined)[] = [];
  const manager = await startScriptedManager({
    onStreamPush: (push, stream) => {
      traceparents.push(push.traceparent);
      accept(push, stream);
    },
  });
  const stream = clientOf([manager]).stream();
  await Promise.all([
    withinCaller(() => stream.pushToRoom("room", "in a span")),
    stream.pushToRoom("room", "in none"),
  ]);
  expect(traceparents).toEqual([TRACEPARENT, undefined]);
});
