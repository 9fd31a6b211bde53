/** Fills a content up to its length. */
const FILLER = "x";
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/**
 * The contents of one run's pushes: each has its number, which a client finds in the bytes of a frame
 * without taking it apart.
 */
export class NumberedContent {
  readonly #mark: Buffer;
  readonly #bytes: number;

  /** @param run letters and digits that stand in no other content @param bytes of each content */
  constructor(run: string, bytes: number) {
    this.#mark = Buffer.from(`${run}:`);
    this.#bytes = bytes;
  }

  /** The content of a push. */
  of(number: number): string {
    return `${this.#mark.toString()}${number};`.padEnd(this.#bytes, FILLER);
  }

  /** The number of the push of which a frame is, in whichever subprotocol; undefined for other frames. */
  numberIn(frame: Buffer): number | undefined {
    const at = frame.indexOf(this.#mark);
    if (at < 0) return undefined;
    let number = 0;
    for (let index = at + this.#mark.length; index < frame.length; index += 1) {
      const byte = frame[index] ?? 0;
      if (byte < DIGIT_0 || byte > DIGIT_9) break;
      number = number * 10 + (byte - DIGIT_0);
    }
    return number;
  }
}
