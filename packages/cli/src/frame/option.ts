import { UsageError } from "./cli-error.ts";

/** One `--option` of a command, and how its value is read. */
export interface Option<Value> {
  /** Whether a value follows it. */
  readonly takesValue: boolean;
  /** What stands for the value in the help: `HOST:PORT`. Empty without one. */
  readonly placeholder: string;
  /** What it is for, with its default; one sentence without a full stop, or more. */
  readonly doc: string;
  /** The heading in the help under which it stands. @default "Options" */
  readonly group?: string;
  /** The environment variable that counts where the option is not given. */
  readonly env?: string;
  /**
   * @param given its values, in the order given; none if it was not given
   * @param name as it is typed, for errors
   * @throws UsageError
   */
  read(given: readonly string[], name: string): Value;
}

/** The options of a command, by name: `contentType` is typed `--content-type`. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** What was given for each of them. */
export type OptionValues<Of extends Options> = {
  readonly [Name in keyof Of]: Of[Name] extends Option<infer Value> ? Value : never;
};

interface Described {
  readonly doc: string;
  readonly group?: string;
  readonly env?: string;
}

interface DescribedValue extends Described {
  readonly placeholder: string;
}

/** On or off. In the environment anything but an empty text and `0` is on. */
export function flag(described: Described): Option<boolean> {
  return {
    ...described,
    takesValue: false,
    placeholder: "",
    read: ([given = ""]) => given !== "" && given !== "0",
  };
}

/** A text that may be left out. */
export function text(described: DescribedValue): Option<string | undefined> {
  return { ...described, takesValue: true, read: (given, name) => single(given, name) };
}

/** A text with a default. */
export function textOr(fallback: string, described: DescribedValue): Option<string> {
  return {
    ...described,
    doc: `${described.doc} (default: ${fallback})`,
    takesValue: true,
    read: (given, name) => single(given, name) ?? fallback,
  };
}

/** A text that may be given several times. */
export function texts(described: DescribedValue): Option<readonly string[]> {
  return { ...described, takesValue: true, read: (given) => given };
}

/** One of a few words. */
export function choice<const Word extends string>(
  words: readonly Word[],
  fallback: Word,
  described: Described,
): Option<Word> {
  return {
    ...described,
    doc: `${described.doc} (default: ${fallback})`,
    placeholder: words.join("|"),
    takesValue: true,
    read: (given, name) => {
      const value = single(given, name) ?? fallback;
      const word = words.find((known) => known === value);
      if (word === undefined)
        throw new UsageError(`${name} takes ${listed(words)}, not ${quoted(value)}`);
      return word;
    },
  };
}

/** A whole number within bounds, which may be left out. */
export function wholeNumber(
  [min, max]: readonly [min: number, max: number],
  described: DescribedValue,
): Option<number | undefined> {
  return {
    ...described,
    takesValue: true,
    read: (given, name) => {
      const value = single(given, name);
      if (value === undefined) return undefined;
      const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= min && number <= max) return number;
      throw new UsageError(
        `${name} takes a whole number from ${min} to ${max}, not ${quoted(value)}`,
      );
    },
  };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** What timers of Node can wait at most is 24 days; nobody waits for an answer for one. */
const MAX_WAIT_MS = 86_400_000;

/**
 * A time like `500ms`, `1.5s`, `10m`, `12h` or `30d`, in milliseconds. A number alone is seconds.
 * @param maxMs by default a day, as for what is waited for
 */
export function duration(
  fallback: string,
  described: Described,
  maxMs: number = MAX_WAIT_MS,
): Option<number> {
  return {
    ...described,
    doc: `${described.doc} (default: ${fallback})`,
    placeholder: "TIME",
    takesValue: true,
    read: (given, name) => {
      const value = single(given, name) ?? fallback;
      const [, number, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(value) ?? [];
      const ms = Math.round(Number(number) * (UNIT_MS[unit] ?? Number.NaN));
      if (ms > maxMs) {
        throw new UsageError(
          `${name} takes at most ${Math.floor(maxMs / 86_400_000)}d, not ${quoted(value)}`,
        );
      }
      if (ms > 0) return ms;
      throw new UsageError(`${name} takes a time like 500ms, 10s, 5m or 1h, not ${quoted(value)}`);
    },
  };
}

function single(given: readonly string[], name: string): string | undefined {
  if (given.length > 1) throw new UsageError(`${name} is given ${given.length} times`);
  return given[0];
}

function listed(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function quoted(value: string): string {
  return JSON.stringify(value);
}

/** As it is typed: `contentType` is `--content-type`. */
export function optionName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
