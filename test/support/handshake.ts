import { once } from "node:events";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** An HTTP answer of the WebSocket port; with 101, `socket` is the test's. */
export interface HandshakeAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly socket: Socket;
}

export interface HandshakeRequest {
  readonly path?: string;
  readonly method?: string;
  /** Beside those of a valid upgrade; undefined takes one of them away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

const UPGRADE_HEADERS = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** The answer to an upgrade request, a valid one but for what is given. */
export async function handshake(
  port: number,
  given: HandshakeRequest = {},
): Promise<HandshakeAnswer> {
  const { path = "/ws?user_id=ann", method = "GET" } = given;
  const wanted = Object.entries({ ...UPGRADE_HEADERS, ...given.headers });
  const headers = wanted.filter((header): header is [string, string] => header[1] !== undefined);
  const call = httpRequest({
    host: "127.0.0.1",
    port,
    path,
    method,
    headers: Object.fromEntries(headers),
    agent: false,
  }).end();
  const { response, socket } = await answerTo(call);
  let body = "";
  if (response.statusCode !== 101) for await (const chunk of response) body += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, body, socket };
}

async function answerTo(
  call: ClientRequest,
): Promise<{ response: IncomingMessage; socket: Socket }> {
  const upgraded = once(call, "upgrade");
  const answered = once(call, "response");
  // Whichever does not come is given up when the other has.
  for (const event of [upgraded, answered]) event.catch(() => {});
  const [response] = (await Promise.race([upgraded, answered])) as [IncomingMessage];
  return { response, socket: response.socket };
}
