import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { FrameReader, OPCODE, textFrame } from "./frames.ts";

const LENGTHS = [0, 1, 125, 126, 65_535, 65_536];

function serverFrame(payload: string): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(bytes.length < 126 ? 2 : bytes.length < 65_536 ? 4 : 10);
  header[0] = 0x80 | OPCODE.text;
  header[1] = bytes.length < 126 ? bytes.length : bytes.length < 65_536 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(bytes.length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(bytes.length), 2);
  return Buffer.concat([header, bytes]);
}

function readInPieces(bytes: Buffer, pieceBytes: number): string[] {
  const payloads: string[] = [];
  const reader = new FrameReader({
    onFrame: (_opcode, received, start, end) =>
      payloads.push(received.toString("utf8", start, end)),
  });
  // As with sockets, all pieces come in the same memory.
  const memory = Buffer.alloc(pieceBytes);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const length = bytes.copy(memory, 0, at, at + pieceBytes);
    reader.read(memory.subarray(0, length));
  }
  return payloads;
}

test.each([11, 1000, 300_000])(
  "frames of every length are read from pieces of %i bytes",
  (piece) => {
    const payloads = LENGTHS.map((length, n) => String(n).repeat(length));
    expect(readInPieces(Buffer.concat(payloads.map(serverFrame)), piece)).toEqual(payloads);
  },
);

test("a frame that was read only in part is not told", () => {
  expect(readInPieces(serverFrame("whole").subarray(0, -1), 1000)).toEqual([]);
});

test.each([5, 125, 126, 5000])(
  "a server understands a client's frame of %i bytes",
  async (length) => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await new Promise((resolve) => server.once("listening", resolve));
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
    const received = new Promise<string>((resolve) => {
      server.on("connection", (socket) => socket.on("message", (data) => resolve(String(data))));
    });
    client.on("upgrade", ({ socket }) => socket.write(textFrame("x".repeat(length))));
    expect(await received).toBe("x".repeat(length));
    client.terminate();
    await new Promise((resolve) => server.close(resolve));
  },
);
