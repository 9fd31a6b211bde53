import { isUtf8 } from "node:buffer";

/** How content stands in a JSON frame: as a string, as itself, or in base64. */
export type ContentKind = "text" | "json" | "binary";

/** The longest content type, in bytes. */
export const MAX_CONTENT_TYPE_BYTES = 127;

/** What content is when its publisher gave no content type. */
export const DEFAULT_CONTENT_TYPE = "text/plain";

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** The type before `;`, in lower case; `text/plain` if there is none. */
export function mediaType(contentType: string): string {
  const end = contentType.indexOf(";");
  const type = (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
  return type === "" ? DEFAULT_CONTENT_TYPE : type;
}

export function contentKind(contentType: string): ContentKind {
  const type = mediaType(contentType);
  if (type.startsWith("text/")) return "text";
  if (type === "application/json" || type.endsWith("+json")) return "json";
  return "binary";
}

/** What a frame says as content type: the publisher's own, or `text/plain` if it gave none. */
export function frameContentType(contentType: string): string {
  return contentType === "" ? DEFAULT_CONTENT_TYPE : contentType;
}

/** What is wrong with a content type, or undefined: at most 127 bytes of printable ASCII. */
export function contentTypeProblem(contentType: string): string | undefined {
  if (contentType.length > MAX_CONTENT_TYPE_BYTES) {
    return `must be at most ${MAX_CONTENT_TYPE_BYTES} bytes`;
  }
  if (!PRINTABLE_ASCII.test(contentType)) return "must be printable ASCII";
  return undefined;
}

/**
 * Why content is not what its content type says, or undefined: `text/*` is UTF-8,
 * `application/json` and `+json` are JSON in UTF-8 without a byte order mark.
 */
export function contentProblem(content: Uint8Array, contentType: string): string | undefined {
  const kind = contentKind(contentType);
  if (kind === "binary") return undefined;
  if (!isUtf8(content)) return `is ${mediaType(contentType)} but not UTF-8`;
  if (kind === "json" && !isJson(content)) return `is ${mediaType(contentType)} but not JSON`;
  return undefined;
}

function isJson(utf8: Uint8Array): boolean {
  const text = Buffer.from(utf8.buffer, utf8.byteOffset, utf8.byteLength).toString();
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
