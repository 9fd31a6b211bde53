import type { Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";
import { ReloadedFiles } from "./reloaded-files.ts";
import { InvalidSettings } from "./settings.ts";
import type { FollowedFiles, TransportCounters } from "./transport-metrics.ts";

export interface FileFollowerInit {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly logger: Logger;
  readonly counters: TransportCounters;
}

interface OpenOptions<Value> {
  readonly name: FollowedFiles;
  /** Paths by the settings that name them. */
  readonly paths: Readonly<Record<string, string>>;
  /**
   * Their contents, in that order.
   * @throws Error with a message that may be logged: it tells nothing secret
   */
  readonly parse: (...contents: readonly Buffer[]) => Value;
  /** The first version, and each new one. */
  readonly onLoaded?: (value: Value) => void;
}

/** Follows the files of a process while it runs, with a log line and a count for what befalls them. */
export class FileFollower {
  readonly #init: FileFollowerInit;
  readonly #opened: Pick<ReloadedFiles<unknown>, "follow">[] = [];
  #stops: (() => void)[] = [];

  constructor(init: FileFollowerInit) {
    this.#init = init;
  }

  /** @throws InvalidSettings when they cannot be used */
  open<Value>({ name, paths, parse, onLoaded }: OpenOptions<Value>): ReloadedFiles<Value> {
    const { logger, counters } = this.#init;
    try {
      const files = new ReloadedFiles({
        paths: Object.values(paths),
        parse,
        onLoaded: (value) => {
          counters.fileLoaded(name);
          logger.info({ files: name }, "files have changed and are in use");
          onLoaded?.(value);
        },
        onRefused: ({ message }) => {
          counters.fileRefused(name);
          logger.error(
            { files: name, problem: message },
            "files have changed and cannot be used: what was there before is kept",
          );
        },
      });
      this.#opened.push(files);
      counters.fileLoaded(name);
      onLoaded?.(files.value);
      return files;
    } catch (error) {
      throw invalidSetting(error, paths);
    }
  }

  /** Begins to look for new versions. */
  start(): void {
    const { clock, everyMs } = this.#init;
    this.#stops = this.#opened.map((files) => files.follow(clock, everyMs));
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }
}

/** Blames the setting of the file that could not be read, else the first. */
function invalidSetting(error: unknown, paths: Readonly<Record<string, string>>): InvalidSettings {
  const { message, path } = error as NodeJS.ErrnoException;
  const blamed = Object.entries(paths).find(([, candidate]) => candidate === path);
  const [setting = ""] = blamed ?? Object.keys(paths);
  return new InvalidSettings([{ setting, problem: `cannot be used: ${message}` }]);
}
