import type { Metadata } from "@grpc/grpc-js";
import { context, propagation, type TextMapSetter } from "@opentelemetry/api";

const TO_METADATA: TextMapSetter<Metadata> = {
  set: (metadata, name, value) => metadata.set(name, value),
};

/** Adds the caller's trace where the process has OpenTelemetry registered; elsewhere nothing. */
export function injectTrace(metadata: Metadata): void {
  propagation.inject(context.active(), metadata, TO_METADATA);
}
