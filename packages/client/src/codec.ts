import type { ClientFrame, ServerFrame } from "./frames.ts";
import { type MessageTarget, readContent } from "./message.ts";
import type { PositionRecord } from "./position.ts";

/** A frame; one that asks nothing of this client; or what is wrong with it. */
export type Decoded =
  | { readonly kind: "frame"; readonly frame: ServerFrame }
  | { readonly kind: "other" }
  | { readonly kind: "malformed"; readonly problem: string };

/** Writes a frame of `pushcast.v1.json`. */
export function encode(frame: ClientFrame): string {
  if (frame.type !== "join" && frame.type !== "resume") return JSON.stringify(frame);
  const { awayMs, ...rest } = frame;
  return JSON.stringify({ ...rest, away_ms: awayMs });
}

/** Reads what came on a connection that speaks `pushcast.v1.json`. Never throws. */
export function decode(data: unknown): Decoded {
  const fields = parseObject(data);
  if (fields === undefined || typeof fields.type !== "string") {
    return { kind: "malformed", problem: "not a JSON object with a type in a text frame" };
  }
  if (!isKnownType(fields.type)) return { kind: "other" };
  try {
    return { kind: "frame", frame: readFrame(fields.type, new FieldReader(fields)) };
  } catch (error) {
    if (!(error instanceof WrongField)) throw error;
    return { kind: "malformed", problem: `${fields.type}: ${error.message}` };
  }
}

type Fields = Readonly<Record<string, unknown>>;

const TYPES: Readonly<Record<ServerFrame["type"], true>> = {
  welcome: true,
  joined: true,
  left: true,
  resumed: true,
  message: true,
  position: true,
  gap: true,
  reconnect: true,
  error: true,
};

function isKnownType(type: string): type is ServerFrame["type"] {
  return Object.hasOwn(TYPES, type);
}

function parseObject(data: unknown): Fields | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readFrame(type: ServerFrame["type"], reader: FieldReader): ServerFrame {
  switch (type) {
    case "welcome":
      return {
        type,
        sessionId: reader.string("session_id"),
        userId: reader.string("user_id"),
        nodeId: reader.string("node_id"),
        position: reader.position(),
        heartbeatMs: reader.integer("heartbeat_ms"),
      };
    case "joined":
      return present({
        type,
        id: reader.optional("id", reader.integer),
        room: reader.string("room"),
        position: reader.position(),
        recovered: reader.optional("recovered", reader.boolean),
        ticket: reader.optional("ticket", reader.string),
      });
    case "left":
      return present({
        type,
        id: reader.optional("id", reader.integer),
        room: reader.string("room"),
      });
    case "resumed":
      return present({
        type,
        id: reader.optional("id", reader.integer),
        position: reader.position(),
        recovered: reader.boolean("recovered"),
      });
    case "message":
      return readMessage(reader);
    case "position":
      return { type, position: reader.position() };
    case "gap":
      return readGap(reader);
    case "reconnect":
      return { type, afterMs: reader.integer("after_ms") };
    case "error":
      return present({
        type,
        id: reader.optional("id", reader.integer),
        code: reader.string("code"),
        message: reader.string("message"),
      });
  }
}

function readGap(reader: FieldReader): ServerFrame {
  const scope = reader.oneOf("scope", ["room", "self", "all"]);
  const position = reader.position();
  if (scope !== "room") return { type: "gap", scope, position };
  return { type: "gap", scope, room: reader.string("room"), position };
}

const MESSAGE_ID = /^([0-9a-f]{16})-([1-9][0-9]{0,15})$/;
const TARGETS: readonly MessageTarget[] = ["room", "user", "all"];

function readMessage(reader: FieldReader): ServerFrame {
  const id = reader.string("id");
  const [, epoch, seq] = MESSAGE_ID.exec(id) ?? [];
  if (epoch === undefined || seq === undefined) throw new WrongField("id");
  const contentType = reader.string("content_type");
  const content = readContent(contentType, reader.fields.content, reader.fields.encoding);
  if (content === undefined) throw new WrongField("content");
  const rest = present({
    id,
    room: reader.optional("room", reader.string),
    target: reader.oneOf("target", TARGETS),
    contentType,
    at: reader.integer("at"),
    ephemeral: reader.optional("ephemeral", reader.boolean) ?? false,
    key: reader.optional("key", reader.string),
  });
  const message = { ...rest, ...content };
  return { type: "message", epoch, seq: Number(seq), message };
}

/** A field that is missing or not what it must be. */
class WrongField extends Error {
  constructor(name: string) {
    super(`${name} is missing or wrong`);
  }
}

const EPOCH = /^[0-9a-f]{16}$/;

class FieldReader {
  readonly fields: Fields;

  constructor(fields: Fields) {
    this.fields = fields;
  }

  string(name: string): string {
    const value = this.fields[name];
    if (typeof value === "string") return value;
    throw new WrongField(name);
  }

  boolean(name: string): boolean {
    const value = this.fields[name];
    if (typeof value === "boolean") return value;
    throw new WrongField(name);
  }

  /** From 0 to 2^53−1. */
  integer(name: string): number {
    const value = this.fields[name];
    if (isSeq(value)) return value;
    throw new WrongField(name);
  }

  oneOf<Value extends string>(name: string, values: readonly Value[]): Value {
    const value = values.find((one) => one === this.fields[name]);
    if (value !== undefined) return value;
    throw new WrongField(name);
  }

  optional<Value>(name: string, read: (name: string) => Value): Value | undefined {
    return this.fields[name] === undefined ? undefined : read.call(this, name);
  }

  position(): PositionRecord {
    const value = this.fields.position;
    if (!isObject(value)) throw new WrongField("position");
    const isValid = ([epoch, seq]: [string, unknown]) => EPOCH.test(epoch) && isSeq(seq);
    if (!Object.entries(value).every(isValid)) throw new WrongField("position");
    return value as PositionRecord;
  }
}

function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What is undefined is left out. */
type Present<Fields> = {
  [Name in keyof Fields as undefined extends Fields[Name] ? never : Name]: Fields[Name];
} & {
  [Name in keyof Fields as undefined extends Fields[Name] ? Name : never]?: Exclude<
    Fields[Name],
    undefined
  >;
};

function present<Fields extends object>(fields: Fields): Present<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Present<Fields>;
}
