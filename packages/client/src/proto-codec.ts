import { CLIENT_FRAMES, type Kind, SERVER_FRAMES, type Shape } from "./frame-shapes.ts";
import type { WireFields } from "./json-codec.ts";
import { fromUtf8 } from "./message.ts";
import { ProtoReader, ProtoWriter } from "./proto-bytes.ts";

const SERVER_FRAME_NAMES = Object.keys(SERVER_FRAMES);

/** Writes a `ClientFrame`. */
export function encodeProto({ type, ...fields }: WireFields): Uint8Array<ArrayBuffer> {
  const name = type as string;
  const inner = new ProtoWriter();
  for (const [index, [field, kind]] of Object.entries(CLIENT_FRAMES[name] ?? {}).entries()) {
    const value = fields[field];
    if (value === undefined) continue;
    if (kind.startsWith("number")) inner.integer(index + 1, value as number);
    else if (kind === "position") inner.bytes(index + 1, positionBytes(value as object));
    else inner.string(index + 1, value as string);
  }
  const outer = new ProtoWriter();
  outer.bytes(Object.keys(CLIENT_FRAMES).indexOf(name) + 1, inner.finish());
  return outer.finish();
}

function positionBytes(position: object): Uint8Array {
  const seqs = new ProtoWriter();
  for (const [epoch, seq] of Object.entries(position)) {
    const entry = new ProtoWriter();
    entry.string(1, epoch);
    entry.integer(2, seq);
    seqs.bytes(1, entry.finish());
  }
  return seqs.finish();
}

/**
 * Reads a `ServerFrame`. Content stays bytes, whatever its type.
 * @returns an empty `type` where it has no member that is known
 * @throws {Error} if it is none
 */
export function decodeProto(bytes: Uint8Array): WireFields {
  let frame: WireFields = { type: "" };
  const reader = new ProtoReader(bytes);
  while (!reader.isDone) {
    const { number, value } = reader.field();
    const type = SERVER_FRAME_NAMES[number - 1];
    const shape = SERVER_FRAMES[type ?? ""];
    if (shape !== undefined && value instanceof Uint8Array) {
      frame = { type, ...readFields(value, shape) };
    }
  }
  return frame;
}

/** What a field is that is not there. */
const EMPTY: Readonly<Partial<Record<Kind, unknown>>> = {
  string: "",
  number: 0,
  boolean: false,
  content: new Uint8Array(0),
  position: {},
};

function readFields(bytes: Uint8Array, shape: Shape): Record<string, unknown> {
  const kinds = Object.entries(shape);
  const fields = Object.fromEntries(kinds.map(([name, kind]) => [name, EMPTY[kind]]));
  const reader = new ProtoReader(bytes);
  while (!reader.isDone) {
    const { number, value } = reader.field();
    const [name, kind] = kinds[number - 1] ?? [];
    if (name !== undefined && kind !== undefined) fields[name] = readValue(value, kind);
  }
  return fields;
}

function readValue(value: number | Uint8Array, kind: Kind): unknown {
  if (typeof value === "number") return kind.startsWith("boolean") ? value !== 0 : value;
  if (kind.startsWith("string")) return fromUtf8(value);
  return kind === "position" ? readPosition(value) : value;
}

function readPosition(bytes: Uint8Array): WireFields {
  const position: Record<string, unknown> = {};
  const reader = new ProtoReader(bytes);
  while (!reader.isDone) {
    const { value } = reader.field();
    if (!(value instanceof Uint8Array)) continue;
    const { epoch, seq } = readFields(value, { epoch: "string", seq: "number" });
    position[String(epoch)] = seq;
  }
  return position;
}
