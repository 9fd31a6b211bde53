import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Command, Publication as PublicationMessage } from "@pushcast/api";
import { Command as CommandCodec, Publication as PublicationCodec } from "@pushcast/api";

/**
 * A publication as a process holds it: the fields of `pushcast.v1.Publication` with plain numbers,
 * and `content` as a slice of the encoded bytes, so that a log entry keeps one copy only.
 */
export interface Publication {
  /** The push-manager process that accepted it: 16 hex digits. */
  readonly epoch: string;
  /** 1, 2, 3 … within the epoch. */
  readonly seq: number;
  /** Empty unless it is for a room. */
  readonly roomId: string;
  /** Empty unless it is for certain users. */
  readonly userIds: readonly string[];
  readonly excludeUserIds: readonly string[];
  readonly content: Buffer;
  /** As the publisher gave it; empty means text/plain. */
  readonly contentType: string;
  readonly idempotencyKey: string;
  readonly ephemeral: boolean;
  /** When the manager accepted it, Unix milliseconds. */
  readonly atMs: number;
  readonly command?: Command;
  /** Of the manager's span, where it is traced. */
  readonly traceparent?: string | undefined;
}

/** Whom a publication is for, by the table in publication.proto. A room with users counts as users. */
export type TargetKind = "room" | "user" | "all";

export function targetKind(publication: Publication): TargetKind {
  if (publication.userIds.length > 0) return "user";
  return publication.roomId === "" ? "all" : "room";
}

/** `"<epoch>-<seq>"`, by which publishers and clients know it. */
export function publicationId(publication: { epoch: string; seq: number }): string {
  return `${publication.epoch}-${publication.seq}`;
}

const NONE: readonly string[] = [];
const EMPTY = Buffer.alloc(0);

/** Kept, with the memory that it has grown to: a new one grows by copying, more than once a message. */
const scratch = new BinaryWriter();

/** Encodes the bytes of a `pushcast.v1.Publication`, without a field tag around them. */
export function encodePublication(publication: Publication): Uint8Array {
  return written((writer) => PublicationCodec.encode(toMessage(publication), writer));
}

/** Encodes it as a field of a message, as `messageField` does, without a copy. */
export function encodePublicationField(fieldNumber: number, publication: Publication): Buffer {
  const { buffer, byteOffset, byteLength } = written((writer) => {
    writer.uint32((fieldNumber << 3) | WireType.LengthDelimited).fork();
    PublicationCodec.encode(toMessage(publication), writer).join();
  });
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** What is written, in memory of its own. */
function written(write: (writer: BinaryWriter) => void): Uint8Array<ArrayBuffer> {
  try {
    write(scratch);
  } catch (error) {
    // Or what was half written would stand before the next.
    scratch.finish();
    throw error;
  }
  return scratch.finish();
}

function toMessage(publication: Publication): PublicationMessage {
  return {
    epoch: publication.epoch,
    seq: BigInt(publication.seq),
    roomId: publication.roomId,
    content: publication.content,
    contentType: publication.contentType,
    idempotencyKey: publication.idempotencyKey,
    excludeUserIds: publication.excludeUserIds as string[],
    ephemeral: publication.ephemeral,
    atMs: BigInt(publication.atMs),
    userIds: publication.userIds as string[],
    command: publication.command,
    traceparent: publication.traceparent,
  };
}

/**
 * Decodes the bytes of a `pushcast.v1.Publication`. `content` is a slice of `bytes`, not a copy:
 * the generated decoder would copy it. Throws on bytes that are no Publication.
 */
export function decodePublication(bytes: Buffer): Publication {
  const reader = new BinaryReader(bytes);
  let epoch = "";
  let seq = 0;
  let roomId = "";
  let userIds: string[] | undefined;
  let excludeUserIds: string[] | undefined;
  let content: Buffer = EMPTY;
  let contentType = "";
  let idempotencyKey = "";
  let ephemeral = false;
  let atMs = 0;
  let command: Command | undefined;
  let traceparent: string | undefined;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) {
      if (field === 1) epoch = reader.string();
      else if (field === 3) roomId = reader.string();
      else if (field === 4) content = slice(bytes, reader.bytes());
      else if (field === 5) contentType = reader.string();
      else if (field === 6) idempotencyKey = reader.string();
      else if (field === 7) excludeUserIds = append(excludeUserIds, reader.string());
      else if (field === 10) userIds = append(userIds, reader.string());
      else if (field === 11) command = CommandCodec.decode(reader.bytes());
      else if (field === 12) traceparent = reader.string();
      else reader.skip(wireType, field);
    } else if (wireType === WireType.Varint) {
      if (field === 2) seq = Number(reader.uint64());
      else if (field === 8) ephemeral = reader.bool();
      else if (field === 9) atMs = Number(reader.int64());
      else reader.skip(wireType, field);
    } else {
      reader.skip(wireType, field);
    }
  }
  return {
    epoch,
    seq,
    roomId,
    userIds: userIds ?? NONE,
    excludeUserIds: excludeUserIds ?? NONE,
    content,
    contentType,
    idempotencyKey,
    ephemeral,
    atMs,
    ...(command === undefined ? {} : { command }),
    traceparent,
  };
}

/** Most publications list nobody, so a list is made only when it is needed. */
function append(list: string[] | undefined, item: string): string[] {
  if (list === undefined) return [item];
  list.push(item);
  return list;
}

/** A part of `whole` that the reader handed out, as a Buffer over the same memory. */
function slice(whole: Buffer, part: Uint8Array): Buffer {
  const start = part.byteOffset - whole.byteOffset;
  return whole.subarray(start, start + part.byteLength);
}

/** A message field: tag, length, bytes. Fields of a repeated message, put one behind another, are the list. */
export function messageField(fieldNumber: number, body: Uint8Array): Buffer {
  const head = new BinaryWriter()
    .uint32((fieldNumber << 3) | WireType.LengthDelimited)
    .uint32(body.byteLength)
    .finish();
  // Not from Buffer's shared pool: a pooled slice of a few bytes would keep 8 KiB alive with it.
  const field = Buffer.allocUnsafeSlow(head.byteLength + body.byteLength);
  field.set(head, 0);
  field.set(body, head.byteLength);
  return field;
}
