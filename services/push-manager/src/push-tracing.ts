import type { Metadata } from "@grpc/grpc-js";
import {
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { StreamPush } from "@pushcast/api";
import { isSampled, parseTraceparent, type Traces } from "@pushcast/runtime";
import type { PushApi } from "./push-api.ts";
import { PushTrace } from "./push-trace.ts";

const SERVICE = "pushcast.v1.PushManagerService";

export interface PushTracingOptions {
  readonly traces: Pick<Traces, "tracer" | "ratio">;
  /** From 0 to 1; judges which pushes begin a trace. */
  readonly random: () => number;
}

/**
 * Decides which pushes are traced: those of a trace if their caller samples it, and a share of those that
 * are of none. The others get nothing, not even a context of their own.
 */
export class PushTracing {
  readonly #traces: Pick<Traces, "tracer" | "ratio">;
  readonly #random: () => number;

  constructor({ traces, random }: PushTracingOptions) {
    this.#traces = traces;
    this.#random = random;
  }

  /** @param metadata of the push's own call */
  begin(api: PushApi, metadata: Metadata): PushTrace | undefined {
    const { tracer } = this.#traces;
    if (tracer === undefined) return undefined;
    const caller = contextOf(metadata);
    if (!this.#samples(caller)) return undefined;
    return new PushTrace(tracer, beginSpan(tracer, { rpc: api, api, caller, links: [] }));
  }

  /** @param metadata of the PushStream @returns undefined where nothing is traced */
  ofStream(metadata: Metadata): StreamTracing | undefined {
    const { tracer } = this.#traces;
    if (tracer === undefined) return undefined;
    const stream = contextOf(metadata);
    // A stream lasts for days: its span would be the parent of all of its pushes.
    const links: readonly Link[] = stream === undefined ? [] : [{ context: stream }];
    return {
      begin: (api, { traceparent = "" }) => {
        const caller = parseTraceparent(traceparent);
        if (!this.#samples(caller)) return undefined;
        return new PushTrace(tracer, beginSpan(tracer, { rpc: "PushStream", api, caller, links }));
      },
    };
  }

  #samples(caller: SpanContext | undefined): boolean {
    return caller === undefined ? this.#random() < this.#traces.ratio : isSampled(caller);
  }
}

/** The pushes of one PushStream: each is of its own caller's trace, or begins one that links to the stream. */
export interface StreamTracing {
  begin(api: PushApi, push: Pick<StreamPush, "traceparent">): PushTrace | undefined;
}

function beginSpan(
  tracer: Tracer,
  push: {
    rpc: PushApi | "PushStream";
    api: PushApi;
    caller: SpanContext | undefined;
    links: readonly Link[];
  },
): Span {
  const { rpc, api, caller, links } = push;
  const parent = caller === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, caller);
  return tracer.startSpan(
    `${SERVICE}/${rpc}`,
    {
      kind: SpanKind.SERVER,
      links: [...links],
      attributes: {
        "rpc.system": "grpc",
        "rpc.service": SERVICE,
        "rpc.method": rpc,
        "pushcast.api": api,
      },
    },
    parent,
  );
}

function contextOf(metadata: Metadata): SpanContext | undefined {
  const [traceparent] = metadata.get("traceparent");
  if (traceparent === undefined) return undefined;
  return parseTraceparent(String(traceparent), metadata.get("tracestate").join(","));
}
