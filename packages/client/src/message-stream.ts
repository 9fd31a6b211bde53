import type { Message } from "./message.ts";

type Result = IteratorResult<Message, undefined>;

const END: Result = { value: undefined, done: true };

/** The messages of one `for await`: what came while the app was busy waits here, up to a bound. */
export class MessageStream implements AsyncIterableIterator<Message, undefined> {
  readonly #maxBuffered: number;
  readonly #onStop: (stream: MessageStream) => void;
  #buffered: Message[] = [];
  /** Those that were asked for and have not come. */
  readonly #wanted: ((result: Result) => void)[] = [];
  #hasEnded = false;

  /** @param init.onStop the app wants no more */
  constructor(init: { maxBuffered: number; onStop: (stream: MessageStream) => void }) {
    this.#maxBuffered = init.maxBuffered;
    this.#onStop = init.onStop;
  }

  /** @returns false if it was full: then it is empty now, and this message is lost to it, too */
  push(message: Message): boolean {
    const give = this.#wanted.shift();
    if (give !== undefined) {
      give({ value: message, done: false });
    } else if (this.#buffered.length < this.#maxBuffered) {
      this.#buffered.push(message);
    } else {
      this.#buffered = [];
      return false;
    }
    return true;
  }

  /** Nothing more comes. What is buffered is still given. */
  end(): void {
    this.#hasEnded = true;
    for (const give of this.#wanted.splice(0)) give(END);
  }

  async next(): Promise<Result> {
    const value = this.#buffered.shift();
    if (value !== undefined) return { value, done: false };
    if (this.#hasEnded) return END;
    return await new Promise((resolve) => this.#wanted.push(resolve));
  }

  async return(): Promise<Result> {
    this.#buffered = [];
    this.#onStop(this);
    this.end();
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
