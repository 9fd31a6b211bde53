import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "@pushcast/runtime";
import { errorAnswer, type HttpAnswer, sendAnswer } from "./http-answer.ts";
import { type PageFile, readPageFiles } from "./page-files.ts";
import { answerPush, type PushEndpointInit } from "./push-endpoint.ts";
import { refuseForeign } from "./same-machine.ts";

export interface PageServerInit extends PushEndpointInit {
  readonly logger: Logger;
  /** What the page connects to. */
  readonly describe: () => SystemDescription;
}

/** `GET /system.json`, for the page. */
export interface SystemDescription {
  readonly manager_grpc_port: number;
  readonly nodes: readonly { readonly id: string; readonly ws_port: number }[];
}

/** The page needs nothing from elsewhere, and is no part of another page. */
const PAGE_HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self' ws://localhost:* ws://127.0.0.1:*",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** Answers the start page, what it needs, and its pushes; to this machine only. */
export function createPageServer(
  init: PageServerInit,
): (request: IncomingMessage, response: ServerResponse) => void {
  const files = readPageFiles();

  const answer = async (request: IncomingMessage): Promise<HttpAnswer | PageFile> => {
    const refusal = refuseForeign(request.headers);
    if (refusal !== undefined) return refusal;
    const method = request.method ?? "GET";
    const [path = "/", query = ""] = (request.url ?? "/").split("?", 2);
    if (path === "/push") {
      return answerPush(
        {
          method,
          query: new URLSearchParams(query),
          contentType: request.headers["content-type"],
          body: request,
        },
        init,
      );
    }
    const file = files.get(path);
    if (file === undefined && path !== "/system.json") {
      return errorAnswer(404, "NOT_FOUND", "there is /, /push and, for WebSockets, /ws");
    }
    if (method !== "GET" && method !== "HEAD") {
      return errorAnswer(405, "METHOD_NOT_ALLOWED", "only GET", { Allow: "GET, HEAD" });
    }
    return file ?? { status: 200, body: init.describe() };
  };

  return (request, response) => {
    answer(request).then(
      (answered) => {
        if ("status" in answered) sendAnswer(response, answered);
        else sendFile(response, answered);
      },
      (err) => {
        // A client that goes away while it sends is not worth a word.
        if (request.destroyed && !request.complete) return;
        init.logger.error({ err }, "a request to the page could not be answered");
        sendAnswer(response, errorAnswer(500, "INTERNAL", "internal error"));
      },
    );
  };
}

function sendFile(response: ServerResponse, { contentType, body }: PageFile): void {
  response.writeHead(200, {
    "Content-Type": contentType,
    "Content-Length": body.byteLength,
    ...PAGE_HEADERS,
  });
  response.end(body);
}
