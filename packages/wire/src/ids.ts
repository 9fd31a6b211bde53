/** The longest room or user id, in bytes of UTF-8. */
export const MAX_ID_BYTES = 256;

// Cc is exactly U+0000–001F and 007F–009F. With the u flag only unpaired surrogates match Cs.
const CONTROL_OR_LONE_SURROGATE = /\p{Cc}|\p{Cs}/u;

/**
 * What is wrong with a room or user id, or undefined: an id is 1–256 bytes of UTF-8 without control
 * characters (U+0000–001F, 007F–009F).
 */
export function idProblem(id: string): string | undefined {
  if (id === "") return "must not be empty";
  if (id.length > MAX_ID_BYTES || Buffer.byteLength(id) > MAX_ID_BYTES) {
    return `must be at most ${MAX_ID_BYTES} bytes of UTF-8`;
  }
  if (CONTROL_OR_LONE_SURROGATE.test(id)) return "must be UTF-8 without control characters";
  return undefined;
}
