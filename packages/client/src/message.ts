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

/** Reads the content of a JSON frame. Undefined if it is not what its type says. */
export function readContent(
  contentType: string,
  content: unknown,
  encoding: unknown,
): Content | undefined {
  const mediaType = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
  if (mediaType === "application/json" || mediaType.endsWith("+json")) {
    return content === undefined ? undefined : { kind: "json", content };
  }
  if (typeof content !== "string") return undefined;
  if (mediaType.startsWith("text/")) return { kind: "text", content };
  const bytes = encoding === "base64" ? fromBase64(content) : undefined;
  return bytes && { kind: "binary", content: bytes };
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
