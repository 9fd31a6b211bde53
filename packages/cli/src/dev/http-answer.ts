import type { ServerResponse } from "node:http";

/** What the dev endpoints answer: always JSON, errors as `{"error":{"code","message"}}`. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param message for a person */
export function errorAnswer(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  return { status, body: { error: { code, message } }, headers };
}

export function sendAnswer(response: ServerResponse, { status, body, headers }: HttpAnswer): void {
  // People read it in a terminal.
  const text = `${JSON.stringify(body, null, 2)}\n`;
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    ...headers,
  });
  response.end(text);
}
