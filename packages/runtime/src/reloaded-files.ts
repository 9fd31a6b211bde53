import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Clock, TimerHandle } from "./clock.ts";

export interface ReloadedFilesOptions<Value> {
  readonly paths: readonly string[];
  /**
   * Makes the value of the files' contents, which come in the order of `paths`.
   * @throws Error with a message that may be logged: it tells nothing secret
   */
  readonly parse: (...contents: readonly Buffer[]) => Value;
  /** A new version is in use. Not called for the first. */
  readonly onLoaded: (value: Value) => void;
  /** A new version cannot be used, and the one before it stays. Called once for each such version. */
  readonly onRefused: (error: Error) => void;
}

/**
 * A value that files make up together, and that follows them: a certificate with its key, a list of
 * tokens. A new version is used without a restart, and one that is broken is not used at all.
 *
 * Contents are compared, not times: Kubernetes swaps a symbolic link above the files of a Secret, of
 * which watching the files themselves tells nothing.
 */
export class ReloadedFiles<Value> {
  readonly #options: ReloadedFilesOptions<Value>;
  #value: Value;
  /** What the latest version held, or why it could not be read. */
  #seen: readonly Buffer[] | string;
  #checking: Promise<void> | undefined;

  /** @throws Error when a file cannot be read, or what they hold be used */
  constructor(options: ReloadedFilesOptions<Value>) {
    this.#options = options;
    this.#seen = options.paths.map((path) => readFileSync(path));
    this.#value = options.parse(...this.#seen);
  }

  /** Of the latest version that could be used. */
  get value(): Value {
    return this.#value;
  }

  /** Checks the files now and then. @returns what ends that */
  follow(clock: Clock, everyMs: number): () => void {
    const timer: TimerHandle = clock.setInterval(() => void this.check(), everyMs, { unref: true });
    return () => clock.clearInterval(timer);
  }

  /** Reads the files, and takes a new version if there is one. Never rejects. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #check(): Promise<void> {
    const found = await this.#read();
    if (isSame(found, this.#seen)) return;
    // Between two of the files the version may have changed. What is read twice the same is whole.
    if (!isSame(found, await this.#read())) return;
    this.#seen = found;
    try {
      if (typeof found === "string") throw new Error(found);
      this.#value = this.#options.parse(...found);
    } catch (error) {
      this.#options.onRefused(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#options.onLoaded(this.#value);
  }

  async #read(): Promise<readonly Buffer[] | string> {
    try {
      return await Promise.all(this.#options.paths.map((path) => readFile(path)));
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

function isSame(a: readonly Buffer[] | string, b: readonly Buffer[] | string): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  return a.every((content, index) => b[index]?.equals(content));
}
