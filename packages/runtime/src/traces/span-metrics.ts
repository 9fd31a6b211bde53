import { Counter, type Registry } from "prom-client";

/**
 * What became of a span.
 * - `exported`: the collector has it
 * - `dropped`: as many as may wait were waiting
 * - `failed`: the collector did not take it
 */
export type SpanResult = "exported" | "dropped" | "failed";

const SPAN_RESULTS: readonly SpanResult[] = ["exported", "dropped", "failed"];

/** Counts the spans of a service, in the registry handed in. */
export class SpanMetrics {
  readonly #spans: Counter<"result">;

  /** @param prefix of the metric's name: the service's */
  constructor(prefix: "push_manager" | "connect_node", registry: Registry) {
    this.#spans = new Counter({
      name: `${prefix}_spans_total`,
      help: "Spans of traces: exported, dropped because OTEL_BSP_MAX_QUEUE_SIZE were waiting, or failed at the collector.",
      labelNames: ["result"],
      registers: [registry],
    });
    for (const result of SPAN_RESULTS) this.#spans.inc({ result }, 0);
  }

  count(result: SpanResult, spans: number): void {
    this.#spans.inc({ result }, spans);
  }
}
