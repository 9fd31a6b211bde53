const VARINT = 0;
const CHUNK = 2;
/** The other wire types, and their bytes. */
const FIXED: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
/** The most bytes of a varint. */
const MAX_VARINT_BYTES = 10;

/** Reads the fields of one Protocol Buffers message. */
export class ProtoReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /**
   * The next field: integers and booleans are numbers, everything else is bytes.
   * @throws {RangeError} if the bytes are no Protocol Buffers
   */
  field(): { readonly number: number; readonly value: number | Uint8Array } {
    const tag = this.#varint();
    return { number: Math.floor(tag / 8), value: this.#value(tag % 8) };
  }

  #value(wireType: number): number | Uint8Array {
    if (wireType === VARINT) return this.#varint();
    return this.#take(wireType === CHUNK ? this.#varint() : (FIXED[wireType] ?? Number.NaN));
  }

  /** Beyond 2^53 it is not exact. */
  #varint(): number {
    let value = 0;
    for (let length = 0; length < MAX_VARINT_BYTES; length += 1) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) break;
      this.#at += 1;
      value += (byte % 128) * 128 ** length;
      if (byte < 128) return value;
    }
    throw new RangeError();
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (!(end <= this.#bytes.length)) throw new RangeError();
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

/** Writes the fields of one Protocol Buffers message. */
export class ProtoWriter {
  readonly #bytes: number[] = [];

  /** From 0 to 2^53−1. */
  integer(number: number, value: number): void {
    this.#varint(number * 8 + VARINT);
    this.#varint(value);
  }

  string(number: number, value: string): void {
    this.bytes(number, new TextEncoder().encode(value));
  }

  bytes(number: number, value: Uint8Array): void {
    this.#varint(number * 8 + CHUNK);
    this.#varint(value.length);
    for (const byte of value) this.#bytes.push(byte);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes);
  }

  #varint(value: number): void {
    let left = value;
    while (left >= 128) {
      this.#bytes.push((left % 128) + 128);
      left = Math.floor(left / 128);
    }
    this.#bytes.push(left);
  }
}
