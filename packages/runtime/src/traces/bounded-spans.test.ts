import { ROOT_CONTEXT } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import { BatchSpanProcessor, type ReadableSpan, TracerProvider } from "@opentelemetry/sdk-trace";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createLogger } from "../logger.ts";
import { BoundedSpans } from "./bounded-spans.ts";
import { SpanMetrics } from "./span-metrics.ts";

const MAX_WAITING = 3;

/** An exporter that answers when it is told to. */
function stage() {
  const asked: { spans: number; answer: (result: ExportResult) => void }[] = [];
  const registry = new Registry();
  const spans = new BoundedSpans({
    maxWaiting: MAX_WAITING,
    metrics: new SpanMetrics("push_manager", registry),
    logger: createLogger({ service: "test", level: "silent" }),
    exporter: {
      export: (batch: ReadableSpan[], answer) => asked.push({ spans: batch.length, answer }),
      shutdown: () => Promise.resolve(),
    },
    batches: (exporter) =>
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: MAX_WAITING,
        maxExportBatchSize: MAX_WAITING,
        scheduledDelayMillis: 3_600_000,
      }),
  });
  const tracer = new TracerProvider({ spanProcessors: [spans] }).getTracer("test");
  const end = (count: number) => {
    for (let n = 0; n < count; n += 1) tracer.startSpan("span", {}, ROOT_CONTEXT).end();
  };
  const counts = async () => {
    const [metric] = await registry.getMetricsAsJSON();
    return Object.fromEntries(
      metric?.values.map(({ labels, value }) => [labels.result, value]) ?? [],
    );
  };
  return { spans, asked, end, counts };
}

test("spans that wait or are being exported are no more than the limit, and the others are counted as dropped", async () => {
  const { spans, asked, end, counts } = stage();
  end(2);
  const flushed = spans.forceFlush();
  end(5);
  expect(await counts()).toEqual({ exported: 0, dropped: 4, failed: 0 });

  asked[0]?.answer({ code: ExportResultCode.SUCCESS });
  await flushed;
  end(2);
  expect(await counts()).toEqual({ exported: 2, dropped: 4, failed: 0 });
});

test("spans that the collector does not take are counted as failed, and make room", async () => {
  const { spans, asked, end, counts } = stage();
  end(2);
  const flushed = spans.forceFlush();
  asked[0]?.answer({ code: ExportResultCode.FAILED, error: new Error("no") });
  await expect(flushed).rejects.toThrow("no");
  end(2);
  expect(await counts()).toEqual({ exported: 0, dropped: 0, failed: 2 });
});
