import { status } from "@grpc/grpc-js";
import {
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { formatTraceparent, RpcError } from "@pushcast/runtime";
import type { Outcome } from "./node-response.ts";
import type { AwaitedNode } from "./pending-push.ts";
import type { PushAnswer } from "./push.ts";

/**
 * The spans of one push that is sampled: its own, and one for each node that it waits for. Neither has
 * content, rooms or users.
 */
export class PushTrace {
  /** Goes with the publication: what the nodes do are children of the push's span. */
  readonly traceparent: string;
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #links = new Map<AwaitedNode, Span>();

  constructor(tracer: Tracer, span: Span) {
    this.traceparent = formatTraceparent(span.spanContext());
    this.#tracer = tracer;
    this.#span = span;
  }

  /** It waits in the node's link from now on. */
  queued(node: AwaitedNode): void {
    const options = { kind: SpanKind.CLIENT, attributes: { "pushcast.node_id": node.nodeId } };
    const parent = trace.setSpan(ROOT_CONTEXT, this.#span);
    this.#links.set(node, this.#tracer.startSpan("pushcast.link", options, parent));
  }

  outcome(node: AwaitedNode, outcome: Outcome): void {
    this.#links.get(node)?.setAttributes({
      "pushcast.sessions_delivered": outcome.sessionsDelivered,
      "pushcast.sessions_lagging": outcome.sessionsLagging,
      "pushcast.duplicate": outcome.duplicate,
    });
  }

  acked(node: AwaitedNode): void {
    this.#links.get(node)?.end();
  }

  failed(node: AwaitedNode, message: string): void {
    this.#links.get(node)?.setStatus({ code: SpanStatusCode.ERROR, message }).end();
  }

  answered(answer: PushAnswer | RpcError): void {
    if (answer instanceof RpcError) {
      // The message may quote what was sent.
      this.#span
        .setAttributes({
          "rpc.grpc.status_code": answer.code,
          "pushcast.code": answer.pushcastCode,
        })
        .setStatus({ code: SpanStatusCode.ERROR, message: answer.pushcastCode });
    } else {
      const { messageId, report } = answer;
      this.#span.setAttributes({
        "rpc.grpc.status_code": status.OK,
        "pushcast.message_id": messageId,
        "pushcast.nodes_total": report.nodesTotal,
        "pushcast.nodes_acked": report.nodesAcked,
        "pushcast.nodes_matched": report.nodesMatched,
        "pushcast.sessions_delivered": report.sessionsDelivered,
        "pushcast.sessions_lagging": report.sessionsLagging,
      });
    }
    this.#span.end();
  }
}
