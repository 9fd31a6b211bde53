import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { NodeHello } from "@pushcast/api";

/** What a node did with one publication. */
export interface Outcome {
  readonly seq: number;
  readonly sessionsDelivered: number;
  readonly sessionsLagging: number;
  /** The node had its idempotency key; the counts are those of the first. */
  readonly duplicate: boolean;
}

/** A DeliverResponse with plain numbers. */
export interface NodeResponse {
  readonly hello: NodeHello | undefined;
  readonly throughSeq: number;
  readonly outcomes: readonly Outcome[];
  readonly closing: boolean;
}

const MAX_VARINT_BYTES = 10;

/**
 * Written out, because there is an outcome for each push and node, and the generated decoder makes a
 * reader and a bigint for each.
 *
 * @throws Error on bytes that are no DeliverResponse
 */
export function decodeNodeResponse(bytes: Uint8Array): NodeResponse {
  const reader = new BinaryReader(bytes);
  let hello: NodeHello | undefined;
  let throughSeq = 0;
  const outcomes: Outcome[] = [];
  let closing = false;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === tagOf(1, WireType.LengthDelimited)) hello = NodeHello.decode(reader.bytes());
    else if (tag === tagOf(2, WireType.Varint)) throughSeq = readSeq(reader, bytes);
    else if (tag === tagOf(3, WireType.LengthDelimited)) outcomes.push(readOutcome(reader, bytes));
    else if (tag === tagOf(4, WireType.Varint)) closing = reader.bool();
    else reader.skip(tag & 7, tag >>> 3);
  }
  return { hello, throughSeq, outcomes, closing };
}

function readOutcome(reader: BinaryReader, bytes: Uint8Array): Outcome {
  const length = reader.uint32();
  const end = reader.pos + length;
  let seq = 0;
  let sessionsDelivered = 0;
  let sessionsLagging = 0;
  let duplicate = false;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === tagOf(1, WireType.Varint)) seq = readSeq(reader, bytes);
    else if (tag === tagOf(2, WireType.Varint)) sessionsDelivered = reader.uint32();
    else if (tag === tagOf(3, WireType.Varint)) sessionsLagging = reader.uint32();
    else if (tag === tagOf(4, WireType.Varint)) duplicate = reader.bool();
    else reader.skip(tag & 7, tag >>> 3);
  }
  if (reader.pos !== end) throw new RangeError("an outcome ends within a field");
  return { seq, sessionsDelivered, sessionsLagging, duplicate };
}

function tagOf(field: number, wireType: WireType): number {
  return (field << 3) | wireType;
}

/** A uint64 as a number: seqs are below 2^53. */
function readSeq(reader: BinaryReader, bytes: Uint8Array): number {
  let value = 0;
  let weight = 1;
  for (let count = 0; count < MAX_VARINT_BYTES; count += 1) {
    const byte = bytes[reader.pos];
    if (byte === undefined) throw new RangeError("the message ends within a number");
    reader.pos += 1;
    value += (byte & 0x7f) * weight;
    if (byte < 0x80) return value;
    weight *= 0x80;
  }
  throw new RangeError(`a number of more than ${MAX_VARINT_BYTES} bytes`);
}
