// The only module that loads OpenTelemetry's SDK; it is imported late, where traces are on.
import type { Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "../logger.ts";
import { VERSION } from "../version.ts";
import { BoundedSpans } from "./bounded-spans.ts";
import { parseHeaders } from "./otlp-headers.ts";
import type { SpanMetrics } from "./span-metrics.ts";
import type { TracesSettings } from "./traces.ts";

/** Where the spans of a service go. */
export interface SpanExport {
  readonly tracer: Tracer;
  /** Exports what waits; what is left after that time is lost. */
  close(limitMs: number): Promise<void>;
}

const MAX_BATCH_SPANS = 512;
const TRACES_PATH = "/v1/traces";
const SCOPE = "pushcast";

/** Posts spans to an OTLP collector in batches. */
export function openSpanExport(init: {
  /** Without `/v1/traces`. */
  endpoint: string;
  settings: TracesSettings;
  instanceId: string;
  metrics: SpanMetrics;
  logger: Logger;
}): SpanExport {
  const { endpoint, settings, instanceId, metrics, logger } = init;
  const maxWaiting = settings.OTEL_BSP_MAX_QUEUE_SIZE;
  const timeoutMs = settings.OTEL_EXPORTER_OTLP_TIMEOUT;
  const spans = new BoundedSpans({
    maxWaiting,
    metrics,
    logger,
    exporter: new OTLPTraceExporter({
      url: endpoint.replace(/\/+$/, "") + TRACES_PATH,
      headers: parseHeaders(settings.OTEL_EXPORTER_OTLP_HEADERS ?? ""),
      timeoutMillis: timeoutMs,
    }),
    batches: (exporter) =>
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: maxWaiting,
        maxExportBatchSize: Math.min(MAX_BATCH_SPANS, maxWaiting),
        scheduledDelayMillis: settings.OTEL_BSP_SCHEDULE_DELAY,
        exportTimeoutMillis: timeoutMs,
      }),
  });
  const provider = new TracerProvider({
    // Who begins a trace has decided already whether it is sampled.
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    resource: resourceFromAttributes({
      "service.name": settings.OTEL_SERVICE_NAME,
      "service.version": VERSION,
      "service.instance.id": instanceId,
    }),
    spanProcessors: [spans],
  });
  return {
    tracer: provider.getTracer(SCOPE, VERSION),
    close: async (limitMs) => {
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, limitMs);
      });
      // What could not be exported has been counted and logged.
      await Promise.race([provider.shutdown().catch(() => {}), limit]);
      clearTimeout(timer);
    },
  };
}
