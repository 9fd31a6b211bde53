import { type IncomingHttpHeaders, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { ClockSample } from "../clock-offset.ts";
import type { DialTls } from "./dial.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What the answer's `Date` says of the server's clock; undefined without one. */
  readonly clock: ClockSample | undefined;
}

/** Far above what /metrics of any process has. */
const MAX_BODY_CHARS = 16 * 1024 * 1024;
const SECOND_MS = 1_000;

/**
 * One GET on a connection of its own.
 * @throws Error when there is no whole answer within the time
 */
export function httpGet(
  url: string,
  { timeoutMs, tls = {} }: { readonly timeoutMs: number; readonly tls?: DialTls },
): Promise<HttpAnswer> {
  const { ca, cert, key } = tls;
  return new Promise((resolve, reject) => {
    const askedAtMs = Date.now();
    const request = url.startsWith("https:")
      ? requestHttps(url, {
          agent: false,
          ...(ca && { ca }),
          ...(cert && { cert }),
          ...(key && { key }),
        })
      : requestHttp(url, { agent: false });
    const timer = setTimeout(() => {
      request.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    request.once("close", () => clearTimeout(timer));
    request.once("error", reject);
    request.once("response", (response) => {
      const answeredAtMs = Date.now();
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
        if (body.length > MAX_BODY_CHARS) request.destroy(new Error("the answer is too long"));
      });
      response.once("error", reject);
      response.once("end", () => {
        const saidMs = Date.parse(response.headers.date ?? "");
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body,
          clock: Number.isNaN(saidMs)
            ? undefined
            : { saidMs, resolutionMs: SECOND_MS, askedAtMs, answeredAtMs },
        });
      });
    });
    request.end();
  });
}
