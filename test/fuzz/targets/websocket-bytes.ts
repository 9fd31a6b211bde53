import { exchange, splitHead, upgradeRequest } from "../../support/raw-socket.ts";
import { strictFrames } from "../../support/strict-frames.ts";
import { type FuzzTarget, must } from "../fuzz-target.ts";
import { LiveSystem } from "../live-system.ts";
import type { RandomInput } from "../random-input.ts";

const PAYLOADS = ['{"type":"ping"}', '{"type":"join","room":"r"}', '{"type":"x"}', "", "\xff"];
const OPCODES = [0x0, 0x1, 0x1, 0x1, 0x2, 0x3, 0x7, 0x8, 0x9, 0xa, 0xb, 0xf];
const SUBPROTOCOLS = ["json", "proto"];

/** What a client may write once it is connected: frames that are right, nearly right, or none. */
export const websocketBytes: FuzzTarget = {
  name: "websocket-bytes",
  share: 0.03,
  batch: 50,
  open: async () => {
    const system = await LiveSystem.start();
    return {
      give: async (input) => {
        const subprotocol = `Sec-WebSocket-Protocol: pushcast.v1.${input.pick(SUBPROTOCOLS)}\r\n`;
        const request = upgradeRequest("fuzz", subprotocol);
        const frames = Buffer.concat(Array.from({ length: 1 + input.nat(6) }, () => frame(input)));
        const cut = input.nat(frames.length + 1);
        const answer = splitHead(
          await exchange(
            system.wsPort,
            input.chance(0.5)
              ? [Buffer.concat([request, frames])]
              : [request, frames.subarray(0, cut), frames.subarray(cut)],
          ),
        );
        if (answer === undefined) return;
        must(answer.head.startsWith("HTTP/1.1 101 "), `answered ${answer.head}`);
        for (const { payload } of strictFrames(answer.body).frames) {
          must(!payload.includes('"message"'), "it was sent a message");
        }
      },
      check: () => system.check(),
      close: () => system.close(),
    };
  },
};

function frame(input: RandomInput): Buffer {
  if (input.chance(0.1)) return input.bytes(40);
  const isFinal = input.chance(0.8) ? 0x80 : 0;
  const reserved = input.chance(0.05) ? (1 + input.nat(7)) << 4 : 0;
  const payload = input.chance(0.7)
    ? Buffer.from(input.pick(PAYLOADS), "latin1")
    : input.bytes(300);
  const isMasked = input.chance(0.95);
  const mask = isMasked ? input.bytes(4) : Buffer.alloc(0);
  const body =
    isMasked && mask.length === 4 ? payload.map((byte, n) => byte ^ (mask[n % 4] ?? 0)) : payload;
  const head = Buffer.concat([
    Buffer.from([isFinal | reserved | input.pick(OPCODES)]),
    length(input, input.chance(0.9) ? payload.length : input.nat(1_000), isMasked ? 0x80 : 0),
  ]);
  return Buffer.concat([head, mask, body]);
}

/** In the shortest form, mostly, or one that says more than a frame may have. */
function length(input: RandomInput, bytes: number, maskBit: number): Buffer {
  if (bytes < 126 && input.chance(0.9)) return Buffer.from([maskBit | bytes]);
  if (input.chance(0.8)) return Buffer.from([maskBit | 126, bytes >> 8, bytes & 0xff]);
  const long = Buffer.alloc(9);
  long[0] = maskBit | 127;
  long.writeBigUInt64BE(BigInt(input.chance(0.5) ? bytes : 2 ** (20 + input.nat(43))), 1);
  return long;
}
