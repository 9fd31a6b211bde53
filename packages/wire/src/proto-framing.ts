import { isUtf8 } from "node:buffer";

/** What length-delimited fields of a message hold, by field number; unknown ones hold bytes. */
export interface MessageShape {
  readonly [fieldNumber: number]: "string" | MessageShape;
}

const WIRE_TYPE = { varint: 0, bits64: 1, lengthDelimited: 2, bits32: 5 } as const;
const MAX_VARINT_BYTES = 10;

/**
 * Whether bytes are a message of that shape on the wire: tags are valid, lengths add up, strings
 * are UTF-8. The generated decoders read past the end of a nested message, stop at a tag of 0 and
 * put U+FFFD for what is not UTF-8, so a room could be joined that nobody named.
 */
export function isWellFormed(bytes: Uint8Array, shape: MessageShape): boolean {
  let at = 0;

  /** The varint at `at`, or undefined if it does not end. Exact up to 2^53. */
  const varint = (): number | undefined => {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i += 1) {
      const byte = bytes[at];
      if (byte === undefined) return undefined;
      at += 1;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    return undefined;
  };

  while (at < bytes.length) {
    const tag = varint();
    if (tag === undefined || tag < 8 || tag > 0xffffffff) return false;
    const fieldNumber = Math.floor(tag / 8);
    switch (tag % 8) {
      case WIRE_TYPE.varint:
        if (varint() === undefined) return false;
        break;
      case WIRE_TYPE.bits64:
        at += 8;
        break;
      case WIRE_TYPE.bits32:
        at += 4;
        break;
      case WIRE_TYPE.lengthDelimited: {
        const length = varint();
        if (length === undefined || length > bytes.length - at) return false;
        const content = bytes.subarray(at, at + length);
        at += length;
        const kind = shape[fieldNumber];
        if (kind === "string" && !isUtf8(content)) return false;
        if (typeof kind === "object" && !isWellFormed(content, kind)) return false;
        break;
      }
      default:
        return false;
    }
  }
  return at === bytes.length;
}
