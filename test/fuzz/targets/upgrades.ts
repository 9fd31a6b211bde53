import { HTTP_ERRORS } from "@pushcast/wire";
import { exchange, splitHead } from "../../support/raw-socket.ts";
import { strictFrames } from "../../support/strict-frames.ts";
import { type FuzzTarget, must } from "../fuzz-target.ts";
import { LiveSystem } from "../live-system.ts";
import type { RandomInput } from "../random-input.ts";

const METHODS = ["GET", "GET", "GET", "POST", "HEAD", "OPTIONS", "CONNECT", "PRI", "get"];
const PATHS = [
  "/ws",
  "/ws",
  "/ws?user_id=fuzz",
  "/ws?user_id=%ff",
  "/",
  "*",
  "//ws",
  "/ws/../ws",
  "http://a/ws",
];
const HEADERS = [
  "Upgrade: websocket",
  "Upgrade: WebSocket, h2c",
  "Connection: Upgrade",
  "Connection: keep-alive, Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Version: 13, 8",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Key: short",
  "Sec-WebSocket-Protocol: pushcast.v1.json",
  "Sec-WebSocket-Protocol: pushcast.v1.proto, , x",
  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
  "Content-Length: 5",
  "Content-Length: -1",
  "Transfer-Encoding: chunked",
  "X-Forwarded-For: 1.2.3.4, [::1]:80",
  "Expect: 100-continue",
  "Authorization: Bearer x",
  "Host: a",
];
/** Those that a right request has. */
const RIGHT = [0, 2, 4, 6, 8, 17];
const STATUSES = new Set([100, 101, ...Object.values(HTTP_ERRORS).map(({ status }) => status)]);

/** Requests to the WebSocket port. */
export const upgrades: FuzzTarget = {
  name: "upgrades",
  share: 0.025,
  batch: 50,
  open: async () => {
    const system = await LiveSystem.start();
    return {
      give: async (input) => {
        const answer = splitHead(await exchange(system.wsPort, [request(input)]));
        if (answer === undefined) return;
        const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer.head)?.[1]);
        must(STATUSES.has(status), `answered ${answer.head}`);
        if (status === 101) strictFrames(answer.body);
      },
      check: () => system.check(),
      close: () => system.close(),
    };
  },
};

function request(input: RandomInput): Buffer {
  const right = RIGHT.filter(() => input.chance(0.95)).map((n) => HEADERS[n] as string);
  const more = Array.from({ length: input.nat(4) }, () => input.pick(HEADERS));
  if (input.chance(0.02)) more.push(`X-Long: ${"x".repeat(20_000)}`);
  const lines = [
    `${input.pick(METHODS)} ${path(input)} HTTP/1.${input.chance(0.95) ? 1 : 0}`,
    ...right,
    ...more,
  ];
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return input.chance(0.4) ? input.mutated(bytes) : bytes;
}

function path(input: RandomInput): string {
  if (input.chance(0.6)) return "/ws?user_id=fuzz&resume=1";
  return input.chance(0.5)
    ? input.pick(PATHS)
    : `/ws?user_id=${encodeURIComponent(input.bytes(9).toString("latin1"))}`;
}
