import type { Context } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan, Span, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { Logger } from "../logger.ts";
import type { SpanMetrics } from "./span-metrics.ts";

/**
 * Hands spans to a processor that exports them in batches, and counts what becomes of them: those that wait
 * are no more than a limit, and those beyond it are dropped. The SDK does that, too, but tells nobody.
 */
export class BoundedSpans implements SpanProcessor {
  readonly #maxWaiting: number;
  readonly #metrics: SpanMetrics;
  readonly #logger: Logger;
  readonly #exporter: SpanExporter;
  readonly #batches: SpanProcessor;
  #waiting = 0;
  #isFailing = false;

  constructor(init: {
    maxWaiting: number;
    metrics: SpanMetrics;
    logger: Logger;
    exporter: SpanExporter;
    /** Makes the processor, which exports by the exporter that it gets. */
    batches: (exporter: SpanExporter) => SpanProcessor;
  }) {
    this.#maxWaiting = init.maxWaiting;
    this.#metrics = init.metrics;
    this.#logger = init.logger;
    this.#exporter = init.exporter;
    this.#batches = init.batches({
      export: (spans, done) => this.#export(spans, done),
      shutdown: () => init.exporter.shutdown(),
    });
  }

  onStart(span: Span, context: Context): void {
    this.#batches.onStart(span, context);
  }

  onEnd(span: ReadableSpan): void {
    if (this.#waiting >= this.#maxWaiting) {
      this.#metrics.count("dropped", 1);
      return;
    }
    this.#waiting += 1;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  #export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      this.#waiting -= spans.length;
      const isExported = result.code === ExportResultCode.SUCCESS;
      this.#metrics.count(isExported ? "exported" : "failed", spans.length);
      this.#tell(isExported, result.error);
      done(result);
    });
  }

  /** Once for each outage, not for each batch. */
  #tell(isExported: boolean, error: Error | undefined): void {
    if (isExported !== this.#isFailing) return;
    this.#isFailing = !isExported;
    if (isExported) this.#logger.info("traces are exported again");
    else this.#logger.warn({ problem: error?.message }, "traces cannot be exported");
  }
}
