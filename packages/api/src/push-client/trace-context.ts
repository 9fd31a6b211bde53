import type { Metadata } from "@grpc/grpc-js";
import { context, propagation, type TextMapSetter } from "@opentelemetry/api";

const TO_METADATA: TextMapSetter<Metadata> = {
  set: (metadata, name, value) => metadata.set(name, value),
};

/** The W3C `traceparent` of the caller's span, where the process has OpenTelemetry registered and is in a span. */
export function activeTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** Adds the caller's trace where the process has OpenTelemetry registered; elsewhere nothing. */
export function injectTrace(metadata: Metadata): void {
  propagation.inject(context.active(), metadata, TO_METADATA);
}
