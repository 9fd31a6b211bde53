import type { Socket } from "node:net";

/** Where a WebSocket is opened. */
export interface UpgradeTarget {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly subprotocol?: string | undefined;
}

export const HEAD_END = "\r\n\r\n";

export function writeUpgrade(socket: Socket, target: UpgradeTarget): void {
  const { host, port, path, subprotocol } = target;
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
  ];
  socket.write(lines.join("\r\n") + HEAD_END);
}
