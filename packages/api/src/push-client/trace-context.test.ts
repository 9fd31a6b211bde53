import { Metadata } from "@grpc/grpc-js";
import { context, propagation, ROOT_CONTEXT, TraceFlags, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { StackContextManager } from "@opentelemetry/sdk-trace";
import { expect, onTestFinished, test } from "vitest";
import { injectTrace } from "./trace-context.ts";

const CALLER = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: TraceFlags.SAMPLED,
};

function injected(): Record<string, unknown> {
  const metadata = new Metadata();
  context.with(trace.setSpanContext(ROOT_CONTEXT, CALLER), () => injectTrace(metadata));
  return metadata.getMap();
}

test("a call has nothing of a trace where the process has no OpenTelemetry", () => {
  expect(injected()).toEqual({});
});

test("a call has the trace that it is made in, as the process's OpenTelemetry writes it", () => {
  context.setGlobalContextManager(new StackContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  onTestFinished(() => {
    propagation.disable();
    context.disable();
  });
  const traceparent = `00-${CALLER.traceId}-${CALLER.spanId}-01`;
  expect(injected()).toEqual({ traceparent });
});
