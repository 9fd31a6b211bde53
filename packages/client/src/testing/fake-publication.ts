import { fromUtf8, kindOf } from "../message.ts";

/** What is pushed: a string is text, bytes are bytes, everything else is JSON. */
export type FakeContent = string | Uint8Array | object | number | boolean | null;

export interface FakePushOptions {
  /** @default `text/plain`, `application/octet-stream` or `application/json`, as the content is */
  readonly contentType?: string;
  /** A hash of the publisher's idempotency key. */
  readonly key?: string;
  /** Not kept: a client that is away never gets it. @default false */
  readonly ephemeral?: boolean;
}

/** To whom: a room's members, one user, or everybody. */
export type FakeTarget =
  | { readonly target: "room"; readonly room: string }
  | { readonly target: "user"; readonly userId: string }
  | { readonly target: "all" };

/** One push as the server keeps it. */
export interface FakePublication {
  readonly seq: number;
  readonly to: FakeTarget;
  /** As a `message` frame of `pushcast.v1.json`. */
  readonly frame: object;
  readonly ephemeral: boolean;
}

export function fakePublication(init: {
  readonly epoch: string;
  readonly seq: number;
  readonly to: FakeTarget;
  readonly content: FakeContent;
  readonly at: number;
  readonly options: FakePushOptions;
}): FakePublication {
  const { epoch, seq, to, content, at, options } = init;
  const { contentType = typeOf(content), key, ephemeral = false } = options;
  const frame = {
    type: "message",
    id: `${epoch}-${seq}`,
    ...(to.target === "room" ? { room: to.room } : {}),
    target: to.target,
    content_type: contentType,
    ...inFrame(toBytes(content), contentType),
    at,
    ...(key === undefined ? {} : { key }),
    ...(ephemeral ? { ephemeral } : {}),
  };
  return { seq, to, frame, ephemeral };
}

function typeOf(content: FakeContent): string {
  if (typeof content === "string") return "text/plain";
  return content instanceof Uint8Array ? "application/octet-stream" : "application/json";
}

function toBytes(content: FakeContent): Uint8Array {
  if (content instanceof Uint8Array) return content;
  return new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content));
}

/** @throws {Error} if the content is not what its type says */
function inFrame(bytes: Uint8Array, contentType: string): object {
  switch (kindOf(contentType)) {
    case "text":
      return { content: fromUtf8(bytes) };
    case "json":
      return { content: JSON.parse(fromUtf8(bytes)) };
    case "binary":
      return { content: toBase64(bytes), encoding: "base64" };
  }
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
