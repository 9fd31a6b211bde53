import { readFile } from "node:fs/promises";
import { type Clock, InvalidSettings, type Logger, type TimerHandle } from "@pushcast/runtime";

/** What is wrong with a file's content; never says what stands there. */
export class FileProblem extends Error {
  override readonly name = "FileProblem";
}

export interface WatchedFileInit<Value> {
  /** The name of the setting that has the path, for errors. */
  setting: string;
  path: string;
  /** @throws FileProblem */
  read: (bytes: Buffer) => Value;
  clock: Clock;
  logger: Logger;
}

/**
 * How often the file is looked at. Mounted Secrets are exchanged by renaming links, which watching a
 * file does not see.
 */
const LOOK_MS = 2_000;

/** What a file says, read again when it changes. What cannot be used changes nothing, and is logged once. */
export class WatchedFile<Value> {
  readonly #init: WatchedFileInit<Value>;
  #bytes: Buffer | undefined;
  #value: Value | undefined;
  #problem: string | undefined;
  #looks: TimerHandle;

  constructor(init: WatchedFileInit<Value>) {
    this.#init = init;
  }

  /** Undefined before it has started. */
  get value(): Value | undefined {
    return this.#value;
  }

  /** @throws InvalidSettings if the file cannot be used */
  async start(): Promise<void> {
    const { clock, setting } = this.#init;
    const problem = await this.#read();
    if (problem !== undefined) throw new InvalidSettings([{ setting, problem }]);
    this.#looks = clock.setInterval(() => void this.#look(), LOOK_MS, { unref: true });
  }

  stop(): void {
    this.#init.clock.clearInterval(this.#looks);
  }

  async #look(): Promise<void> {
    const { logger, setting } = this.#init;
    const before = this.#bytes;
    const problem = await this.#read();
    if (problem !== undefined && problem !== this.#problem) {
      logger.error({ setting, problem }, "a file cannot be used; what it said before stands");
    }
    this.#problem = problem;
    if (this.#bytes !== before) logger.info({ setting }, "a file has changed and was read again");
  }

  /** @returns what is wrong with the file */
  async #read(): Promise<string | undefined> {
    try {
      const bytes = await readFile(this.#init.path);
      if (this.#bytes?.equals(bytes)) return undefined;
      this.#value = this.#init.read(bytes);
      this.#bytes = bytes;
      return undefined;
    } catch (error) {
      if (error instanceof FileProblem) return error.message;
      return `cannot be read: ${(error as NodeJS.ErrnoException).code}`;
    }
  }
}
