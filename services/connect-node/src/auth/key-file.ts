import { readFile } from "node:fs/promises";
import { type Clock, InvalidSettings, type Logger, type TimerHandle } from "@pushcast/runtime";
import { KeyFormatError } from "./key-formats.ts";
import type { FindKey, KeySet, TokenKeys } from "./token-keys.ts";

export interface KeyFileInit {
  /** The name of the setting that has the path, for errors. */
  setting: string;
  path: string;
  /** @throws KeyFormatError */
  read: (bytes: Buffer) => KeySet;
  clock: Clock;
  logger: Logger;
}

/**
 * How often the file is looked at. Mounted Secrets are exchanged by renaming links, which watching a
 * file does not see.
 */
const LOOK_MS = 2_000;

/** Keys in a file, read again when it changes. What cannot be used changes nothing, and is logged once. */
export class KeyFile implements TokenKeys {
  readonly #init: KeyFileInit;
  #bytes: Buffer | undefined;
  #keys: KeySet | undefined;
  #problem: string | undefined;
  #looks: TimerHandle;

  constructor(init: KeyFileInit) {
    this.#init = init;
  }

  get algorithms(): readonly string[] {
    return this.#keys?.algorithms ?? [];
  }

  find(...token: Parameters<FindKey>): ReturnType<FindKey> {
    if (this.#keys === undefined) throw new Error("not started");
    return this.#keys.find(...token);
  }

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
    const before = this.#keys;
    const { logger, setting } = this.#init;
    const problem = await this.#read();
    if (problem !== undefined && problem !== this.#problem) {
      logger.error({ setting, problem }, "the keys of tokens cannot be read; the last ones stand");
    }
    this.#problem = problem;
    if (this.#keys !== before) logger.info({ setting }, "the keys of tokens have changed");
  }

  /** @returns what is wrong with the file */
  async #read(): Promise<string | undefined> {
    try {
      const bytes = await readFile(this.#init.path);
      if (this.#bytes?.equals(bytes)) return undefined;
      this.#keys = this.#init.read(bytes);
      this.#bytes = bytes;
      return undefined;
    } catch (error) {
      if (error instanceof KeyFormatError) return error.message;
      return `cannot be read: ${(error as NodeJS.ErrnoException).code}`;
    }
  }
}
