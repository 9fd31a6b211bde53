/** To whom a message was pushed: a room's members, listed users, or everybody. */
export type MessageTarget = "room" | "user" | "all";

/** Content as its content type says. */
export type Content =
  /** `text/*` */
  | { readonly kind: "text"; readonly content: string }
  /** `application/json` and `+json`, parsed. */
  | { readonly kind: "json"; readonly content: unknown }
  /** Any other. */
  | { readonly kind: "binary"; readonly content: Uint8Array };

/** One publication. */
export type Message = Content & {
  /** `"<epoch>-<seq>"`, unique. */
  readonly id: string;
  /** The room that it belongs to; absent for *self*. */
  readonly room?: string;
  readonly target: MessageTarget;
  /** As the publisher gave it. */
  readonly contentType: string;
  /** When it was accepted, Unix milliseconds. */
  readonly at: number;
  /** Sent only to who was there, and never again. */
  readonly ephemeral: boolean;
  /** A hash of the publisher's idempotency key. */
  readonly key?: string;
};

/** What content of this type is, whatever its parameters and case. */
export function kindOf(contentType: string): Content["kind"] {
  const mediaType = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
  if (mediaType === "application/json" || mediaType.endsWith("+json")) return "json";
  return mediaType.startsWith("text/") ? "text" : "binary";
}

/** Reads the content of a frame; bytes are as published. Undefined if it is not what its type says. */
export function readContent(
  contentType: string,
  content: unknown,
  encoding: unknown,
): Content | undefined {
  const kind = kindOf(contentType);
  try {
    if (kind === "binary") {
      const bytes = encoding === "base64" ? fromBase64(content as string) : content;
      // A copy: what was read is a part of the whole frame.
      return bytes instanceof Uint8Array ? { kind, content: bytes.slice() } : undefined;
    }
    const isBytes = content instanceof Uint8Array;
    const text = isBytes ? fromUtf8(content) : content;
    if (kind === "text") return typeof text === "string" ? { kind, content: text } : undefined;
    const json: unknown = isBytes ? JSON.parse(text as string) : content;
    return json === undefined ? undefined : { kind, content: json };
  } catch {
    return undefined;
  }
}

/** @throws {TypeError} if it is no UTF-8 */
export function fromUtf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** @throws {Error} if it is no base64 */
function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
