import type { Tracer } from "@opentelemetry/api";
import type { Registry } from "prom-client";
import type { Logger } from "../logger.ts";
import type { SharedSettings } from "../shared-settings.ts";
import type { SpanExport } from "./span-export.ts";
import { SpanMetrics } from "./span-metrics.ts";

export type TracesSettings = Pick<
  SharedSettings,
  | "OTEL_EXPORTER_OTLP_ENDPOINT"
  | "OTEL_EXPORTER_OTLP_HEADERS"
  | "OTEL_EXPORTER_OTLP_TIMEOUT"
  | "OTEL_TRACES_SAMPLER_ARG"
  | "OTEL_BSP_MAX_QUEUE_SIZE"
  | "OTEL_BSP_SCHEDULE_DELAY"
> & { readonly OTEL_SERVICE_NAME: string };

/**
 * The traces of one service. Its tracer is its own, never the global one: one process may run several
 * services. Without an endpoint nothing is loaded, and there is no tracer.
 */
export class Traces {
  readonly #settings: TracesSettings;
  readonly #instanceId: string;
  readonly #logger: Logger;
  readonly #metrics: SpanMetrics;
  #export: SpanExport | undefined;

  constructor(init: {
    service: "push_manager" | "connect_node";
    /** Of the process: `service.instance.id`. */
    instanceId: string;
    settings: TracesSettings;
    registry: Registry;
    logger: Logger;
  }) {
    this.#settings = init.settings;
    this.#instanceId = init.instanceId;
    this.#logger = init.logger;
    this.#metrics = new SpanMetrics(init.service, init.registry);
  }

  /** Undefined where spans are for nobody. */
  get tracer(): Tracer | undefined {
    return this.#export?.tracer;
  }

  /** The share of pushes that begin a trace, of those that are in none. */
  get ratio(): number {
    return this.#settings.OTEL_TRACES_SAMPLER_ARG;
  }

  /** Loads what exports spans, if they are for somebody. */
  async start(): Promise<void> {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = this.#settings;
    if (endpoint === undefined) return;
    const { openSpanExport } = await import("./span-export.ts");
    this.#export = openSpanExport({
      endpoint,
      settings: this.#settings,
      instanceId: this.#instanceId,
      metrics: this.#metrics,
      logger: this.#logger,
    });
    this.#logger.info({ endpoint, ratio: this.ratio }, "traces are exported");
  }

  /** Exports what waits, for no longer than that, and then makes no more spans. */
  async stop(limitMs: number): Promise<void> {
    const opened = this.#export;
    this.#export = undefined;
    await opened?.close(limitMs);
  }
}
