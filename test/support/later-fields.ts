import { messageField } from "@pushcast/log";

/** Field 1000, of a tag that is followed by its value. */
function field(wireType: number, ...value: number[]): Buffer {
  return Buffer.from([0x80 | 0x40 | wireType, 0x3e, ...value]);
}

/** What a later version might have added to any message: a field of each wire type. */
export const LATER_FIELDS = Buffer.concat([
  messageField(1001, Buffer.from("from a later version")),
  field(0, 1),
  field(1, ...Buffer.alloc(8, 1)),
  field(5, ...Buffer.alloc(4, 1)),
]);

/** The message of the bytes, as a later version writes it. */
export function withLaterFields(message: Uint8Array): Buffer {
  return Buffer.concat([message, LATER_FIELDS]);
}
