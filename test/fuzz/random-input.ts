import { seededRandom } from "../support/random.ts";

const EDGES = [0, 1, 0x7f, 0x80, 0xff];
const EDGE_NUMBERS = [0, 1, -1, 1.5, 125, 126, 65_535, 65_536, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308];
const EDGE_TEXTS = [
  "",
  "\u0000",
  "é",
  "\ud800",
  "\u{1f600}",
  "\uFEFF",
  "__proto__",
  "a".repeat(300),
];

/** The choices of one input: the same ones for the same seed. */
export class RandomInput {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** From 0 up to and without `below`. */
  nat(below: number): number {
    return Math.floor(this.#random() * below);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.nat(items.length)] as Item;
  }

  bytes(maxLength: number): Buffer {
    const bytes = Buffer.alloc(this.nat(maxLength + 1));
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = this.byte();
    return bytes;
  }

  byte(): number {
    return this.chance(0.3) ? this.pick(EDGES) : this.nat(256);
  }

  /** What JSON can hold, nested a little. */
  json(depth = 2): unknown {
    switch (this.nat(depth > 0 ? 7 : 5)) {
      case 0:
        return this.pick(EDGE_NUMBERS);
      case 1:
        return this.text();
      case 2:
        return this.chance(0.5);
      case 3:
        return null;
      case 4:
        return this.nat(1_000_000);
      case 5:
        return Array.from({ length: this.nat(4) }, () => this.json(depth - 1));
      default:
        return Object.fromEntries(
          Array.from({ length: this.nat(4) }, () => [this.text(), this.json(depth - 1)]),
        );
    }
  }

  text(): string {
    return this.chance(0.5) ? this.pick(EDGE_TEXTS) : this.bytes(12).toString("latin1");
  }

  /** The bytes with a few changes: flipped, cut off, left out, doubled, or with others between them. */
  mutated(valid: Buffer): Buffer {
    let bytes = Buffer.from(valid);
    for (let changes = 1 + this.nat(3); changes > 0; changes -= 1) bytes = this.#changed(bytes);
    return bytes;
  }

  #changed(bytes: Buffer): Buffer<ArrayBuffer> {
    const at = this.nat(bytes.length + 1);
    const until = Math.min(bytes.length, at + this.nat(8));
    switch (this.nat(5)) {
      case 0: {
        const flipped = Buffer.from(bytes);
        if (at < flipped.length) flipped[at] = this.byte();
        return flipped;
      }
      case 1:
        return Buffer.from(bytes.subarray(0, at));
      case 2:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(until)]);
      case 3:
        return Buffer.concat([bytes.subarray(0, until), bytes.subarray(at)]);
      default:
        return Buffer.concat([bytes.subarray(0, at), this.bytes(8), bytes.subarray(at)]);
    }
  }
}
