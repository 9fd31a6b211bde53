import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { ManagerHello } from "@pushcast/api";

/** A DeliverRequest, its publications still encoded: they go into the log as they are. */
export interface DeliverMessage {
  readonly hello: ManagerHello | undefined;
  readonly afterSeq: number;
  readonly throughSeq: number;
  readonly publications: readonly Uint8Array[];
  readonly final: boolean;
}

/** A manager sent what the protocol does not allow. */
export class DeliverError extends Error {}

/** @throws DeliverError */
export function decodeDeliverMessage(bytes: Uint8Array): DeliverMessage {
  let message: DeliverMessage;
  try {
    message = decode(bytes);
  } catch (cause) {
    throw new DeliverError("bytes that are no DeliverRequest", { cause });
  }
  const { hello, afterSeq, throughSeq } = message;
  if (
    !isRange(afterSeq, throughSeq) ||
    (hello !== undefined && !isRange(Number(hello.tailSeq), Number(hello.headSeq)))
  ) {
    throw new DeliverError("a range that ends before it begins, or beyond 2^53");
  }
  return message;
}

function isRange(after: number, through: number): boolean {
  return after <= through && Number.isSafeInteger(through);
}

function decode(bytes: Uint8Array): DeliverMessage {
  const reader = new BinaryReader(bytes);
  let hello: ManagerHello | undefined;
  let afterSeq = 0;
  let throughSeq = 0;
  const publications: Uint8Array[] = [];
  let final = false;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) {
      hello = ManagerHello.decode(reader.bytes());
    } else if (field === 2 && wireType === WireType.Varint) {
      afterSeq = Number(reader.uint64());
    } else if (field === 3 && wireType === WireType.Varint) {
      throughSeq = Number(reader.uint64());
    } else if (field === 4 && wireType === WireType.LengthDelimited) {
      publications.push(reader.bytes());
    } else if (field === 5 && wireType === WireType.Varint) {
      final = reader.bool();
    } else {
      reader.skip(wireType, field);
    }
  }
  return { hello, afterSeq, throughSeq, publications, final };
}
