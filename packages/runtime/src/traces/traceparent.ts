import { createTraceState, type SpanContext, TraceFlags } from "@opentelemetry/api";

/** Version, trace, span and flags. Later versions may have more after a further dash. */
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const VERSION = "00";
const INVALID_VERSION = "ff";
const ZEROS = /^0+$/;

/**
 * Reads a W3C `traceparent`.
 * @param tracestate what the vendors on the way have to say of it
 * @returns undefined for a text that is none: whoever sent it is not traced, and nothing is refused
 */
export function parseTraceparent(traceparent: string, tracestate = ""): SpanContext | undefined {
  const [, version = INVALID_VERSION, traceId = "", spanId = "", flags = "", more] =
    TRACEPARENT.exec(traceparent) ?? [];
  if (version === INVALID_VERSION || ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined;
  if (version === VERSION && more !== undefined) return undefined;
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(tracestate !== "" && { traceState: createTraceState(tracestate) }),
  };
}

/** As `parseTraceparent` reads it. */
export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `${VERSION}-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;
}

export function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}
