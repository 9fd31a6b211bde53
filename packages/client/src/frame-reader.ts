import { type Kind, SERVER_FRAMES } from "./frame-shapes.ts";
import type { GapFrame, MessageFrame, ServerFrame } from "./frames.ts";
import { isObject, type WireFields } from "./json-codec.ts";
import { type Message, readContent } from "./message.ts";

/**
 * Checks the fields of a frame, and gives them their names in code.
 * @returns undefined for a type that is not known
 * @throws {TypeError} if a field is missing or not what it must be
 */
export function readFrame(fields: WireFields): ServerFrame | undefined {
  const type = fields.type as string;
  if (!Object.hasOwn(SERVER_FRAMES, type)) return undefined;
  const frame: Record<string, unknown> = { type };
  for (const [name, kind] of Object.entries(SERVER_FRAMES[type] ?? {})) {
    const value = fields[name];
    if (value === undefined && kind.endsWith("?")) continue;
    if (!isOfKind(value, kind)) throw wrong(name);
    frame[name.replace(/_(.)/, (_, letter: string) => letter.toUpperCase())] = value;
  }
  if (type === "message") return readMessage(frame as RawMessage, fields.encoding);
  if (type === "gap") checkScope(frame as unknown as GapFrame);
  return frame as unknown as ServerFrame;
}

const EPOCH = /^[0-9a-f]{16}$/;

function isOfKind(value: unknown, kind: Kind): boolean {
  if (kind === "content") return true;
  if (kind === "position") return isObject(value) && Object.entries(value).every(isEntry);
  return kind.startsWith("number") ? isSeq(value) : kind.startsWith(typeof value);
}

function isEntry([epoch, seq]: [string, unknown]): boolean {
  return EPOCH.test(epoch) && isSeq(seq);
}

function wrong(name: string): TypeError {
  return new TypeError(`${name} is missing or wrong`);
}

function isSeq(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A `message` before its content is read. */
type RawMessage = Omit<Message, "kind"> & { readonly type: "message" };

const MESSAGE_ID = /^([0-9a-f]{16})-([1-9][0-9]{0,15})$/;

function readMessage({ type, ...raw }: RawMessage, encoding: unknown): MessageFrame {
  const [, epoch, seq] = MESSAGE_ID.exec(raw.id) ?? [];
  if (epoch === undefined) throw wrong("message id");
  if (!["room", "user", "all"].includes(raw.target)) throw wrong("target");
  const content = readContent(raw.contentType, raw.content, encoding);
  if (content === undefined) throw wrong("content");
  const message = { ...raw, ephemeral: raw.ephemeral === true, ...content };
  return { type, epoch, seq: Number(seq), message };
}

function checkScope({ scope, room }: GapFrame): void {
  if (!["room", "self", "all"].includes(scope)) throw wrong("scope");
  if (scope === "room" && room === undefined) throw wrong("room");
}
