import { ROOT_CONTEXT, type Span, SpanKind, trace } from "@opentelemetry/api";
import { type Publication, publicationId, targetKind } from "@pushcast/log";
import { type Clock, isSampled, parseTraceparent, type Traces } from "@pushcast/runtime";
import type { Outcome } from "./delivery.ts";
import type { NodeEntry } from "./node-log.ts";

export interface DeliveryTracingOptions {
  readonly traces: Pick<Traces, "tracer">;
  readonly nodeId: string;
  readonly clock: Clock;
}

/**
 * One span for each publication that a link brings and whose push is sampled, whatever the number of its
 * sessions: from its match to the last write of its batch to a socket. What a session is filled with
 * later, and what comes by a copy of a peer's log, is not of the push's trace.
 */
export class DeliveryTracing {
  readonly #options: DeliveryTracingOptions;
  /** Of publications that the flusher has. */
  readonly #unwritten = new Map<NodeEntry, Span>();

  constructor(options: DeliveryTracingOptions) {
    this.#options = options;
  }

  /** @returns undefined where it is not traced */
  begin(publication: Publication): Span | undefined {
    const { tracer } = this.#options.traces;
    const { traceparent } = publication;
    if (traceparent === undefined || tracer === undefined) return undefined;
    const manager = parseTraceparent(traceparent);
    if (manager === undefined || !isSampled(manager)) return undefined;
    const attributes = {
      "pushcast.node_id": this.#options.nodeId,
      "pushcast.message_id": publicationId(publication),
      "pushcast.target": targetKind(publication),
      "pushcast.ephemeral": publication.ephemeral,
    };
    const options = { kind: SpanKind.CONSUMER, attributes };
    return tracer.startSpan(
      "pushcast.deliver",
      options,
      trace.setSpanContext(ROOT_CONTEXT, manager),
    );
  }

  /** The node has had it before, by its key; it goes to nobody. */
  repeated(span: Span): void {
    span.setAttribute("pushcast.duplicate", true).end();
  }

  /** The span ends now where it goes to nobody, else when it is written. */
  matched(span: Span, entry: NodeEntry, { delivered, lagging }: Outcome): void {
    span.setAttributes({
      "pushcast.sessions_delivered": delivered,
      "pushcast.sessions_lagging": lagging,
    });
    if (delivered === 0) {
      span.end();
    } else {
      span.addEvent("matched");
      this.#unwritten.set(entry, span);
    }
  }

  /** They have been written to the sockets, or queued on them. */
  written(entries: readonly NodeEntry[]): void {
    if (this.#unwritten.size === 0) return;
    const nowMs = this.#options.clock.now();
    for (const entry of entries) {
      const span = this.#unwritten.get(entry);
      if (span === undefined) continue;
      this.#unwritten.delete(entry);
      span.setAttribute("pushcast.delay_ms", nowMs - entry.publication.atMs).end();
    }
  }
}
