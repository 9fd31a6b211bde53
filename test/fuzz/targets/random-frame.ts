import { type ClientFrame, type Codec, clientCodec } from "@pushcast/wire";
import type { RandomInput } from "../random-input.ts";

const EPOCHS = ["000000000000000a", "000000000000000b", "00000000000000EE", "short"];

/** What a client may send, or nearly so, or anything. */
export function randomFrame(
  input: RandomInput,
  codec: Codec,
  rooms: readonly string[],
): { readonly data: Buffer; readonly isBinary: boolean } {
  const isBinary = input.chance(0.05) ? !codec.binary : codec.binary;
  if (input.chance(0.1)) return { data: input.bytes(64), isBinary };
  const valid = codec.binary ? encoded(input, codec, rooms) : json(input, rooms);
  return { data: input.chance(0.4) ? input.mutated(valid) : valid, isBinary };
}

function encoded(input: RandomInput, codec: Codec, rooms: readonly string[]): Buffer {
  try {
    return clientCodec(codec.subprotocol).encode(frame(input, rooms));
  } catch {
    // What a field cannot hold.
    return input.bytes(64);
  }
}

/** Its fields may be of any type, and some missing. */
function json(input: RandomInput, rooms: readonly string[]): Buffer {
  const { awayMs, position, ...fields } = frame(input, rooms) as unknown as Record<string, unknown>;
  const object: Record<string, unknown> = { ...fields };
  if (position instanceof Map) object.position = Object.fromEntries(position);
  if (awayMs !== undefined) object.away_ms = awayMs;
  for (const name of Object.keys(object)) {
    if (input.chance(0.1)) object[name] = input.json();
    else if (input.chance(0.05)) delete object[name];
  }
  return Buffer.from(JSON.stringify(object));
}

function frame(input: RandomInput, rooms: readonly string[]): ClientFrame {
  const id = input.chance(0.5) ? { id: input.nat(2 ** 31) } : {};
  const from = () => ({ position: position(input), awayMs: input.nat(100_000) });
  switch (input.nat(6)) {
    case 0:
      return { type: "join", ...id, room: input.pick(rooms) };
    case 1:
      return { type: "join", ...id, room: input.pick(rooms), ...from(), ticket: input.text() };
    case 2:
      return { type: "leave", ...id, room: input.pick(rooms) };
    case 3:
      return { type: "resume", ...id, ...from() };
    case 4:
      return { type: "token", token: input.text() };
    default:
      return { type: "ping" };
  }
}

function position(input: RandomInput): Map<string, number> {
  const entries = input.chance(0.02) ? 200 : input.nat(4);
  return new Map(
    Array.from({ length: entries }, (_, n) => [
      entries === 200 ? n.toString(16).padStart(16, "0") : input.pick(EPOCHS),
      input.chance(0.1) ? 2 ** 53 - 1 : input.nat(1_000),
    ]),
  );
}
