import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

const HEAD_END = "\r\n\r\n";

/** The bytes of a valid upgrade request. @param more header lines, each with its CRLF */
export function upgradeRequest(userId: string, more = ""): Buffer {
  return Buffer.from(
    `GET /ws?user_id=${userId} HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`,
  );
}

/** Connects, writes, says that it writes no more, and reads to the end, however that comes. */
export async function exchange(port: number, writes: readonly Buffer[]): Promise<Buffer> {
  const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
  const received: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  // A reset is an end as well.
  socket.on("error", () => {});
  for (const bytes of writes) await written(socket, bytes);
  socket.end();
  if (!socket.closed) await once(socket, "close");
  return Buffer.concat(received);
}

/** What stands before the empty line, and what behind it; undefined if there is none. */
export function splitHead(bytes: Buffer): { head: string; body: Buffer } | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return undefined;
  return { head: bytes.toString("latin1", 0, end), body: bytes.subarray(end + HEAD_END.length) };
}

/** A frame as a client sends it. The mask is of zeros, which leaves the payload as it is. */
export function clientFrame(firstByte: number, payload: Uint8Array | string): Buffer {
  const bytes = Buffer.from(payload as string);
  const head =
    bytes.length < 126
      ? Buffer.from([firstByte, 0x80 | bytes.length])
      : Buffer.from([firstByte, 0x80 | 126, bytes.length >> 8, bytes.length & 0xff]);
  return Buffer.concat([head, Buffer.alloc(4), bytes]);
}

function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.write(bytes, () => resolve());
  });
}
