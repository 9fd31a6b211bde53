import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { decodeSpans, type ExportedSpan } from "./otlp-spans.ts";
import { until } from "./until.ts";

/** Takes spans over OTLP/HTTP, and keeps them. */
export interface OtlpCollector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  readonly spans: readonly ExportedSpan[];
  /** All that it was sent, as text. */
  readonly received: string;
  readonly lastHeaders: IncomingHttpHeaders;
  /** Resolves with the spans of a trace once there are as many. */
  trace(traceId: string, count: number): Promise<ExportedSpan[]>;
  close(): Promise<void>;
}

/** @param init.answers whether it ever answers. @default true */
export async function startOtlpCollector({ answers = true } = {}): Promise<OtlpCollector> {
  const spans: ExportedSpan[] = [];
  let received = "";
  let lastHeaders: IncomingHttpHeaders = {};
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    lastHeaders = request.headers;
    received += body.toString("latin1");
    if (request.url === "/v1/traces") spans.push(...decodeSpans(body));
    if (answers) response.writeHead(200).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ofTrace = (traceId: string) => spans.filter((span) => span.traceId === traceId);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans,
    get received() {
      return received;
    },
    get lastHeaders() {
      return lastHeaders;
    },
    trace: async (traceId, count) => {
      await until(`${count} spans of ${traceId}`, () => ofTrace(traceId).length >= count);
      return ofTrace(traceId);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
