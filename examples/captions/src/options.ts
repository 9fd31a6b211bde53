import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export interface Options {
  /** 1 is real time. */
  readonly speed: number;
  /** Path of the caption files without `.<lang>.vtt`. */
  readonly talk: string;
  /** Of the page; 0 is any free one. */
  readonly port: number;
  /** Readers for which the talk waits. */
  readonly readers: number;
  /** At the end begin again. */
  readonly loop: boolean;
  /** After the end keep everything running. */
  readonly stay: boolean;
}

export const USAGE = `Usage: npm run example -- [options]

  --speed <n>     times real time, 0.1 to 1000 (default 1)
  --talk <path>   caption files, without .<lang>.vtt (default: the talk of this example)
  --port <n>      port of the page, 0 for any free one (default 8090)
  --readers <n>   begin when so many read, or after 20 s (default 1)
  --loop          begin again at the end, until Ctrl-C
  --stay          keep running after the end, until Ctrl-C
  --help`;

/** A command line that cannot be followed; its message says why. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * @param args without node and the script
 * @returns undefined if help was asked for
 * @throws UsageError
 */
export function readOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  return {
    speed: numberOf("speed", values.speed, 0.1, 1000),
    talk: values.talk,
    port: wholeNumberOf("port", values.port, 65_535),
    readers: wholeNumberOf("readers", values.readers, 1000),
    loop: values.loop,
    stay: values.stay,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        speed: { type: "string", default: "1" },
        talk: {
          type: "string",
          default: fileURLToPath(new URL("../talks/lighthouse", import.meta.url)),
        },
        port: { type: "string", default: "8090" },
        readers: { type: "string", default: "1" },
        loop: { type: "boolean", default: false },
        stay: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function wholeNumberOf(option: string, value: string, max: number): number {
  const number = numberOf(option, value, 0, max);
  if (Number.isInteger(number)) return number;
  throw new UsageError(`--${option} must be a whole number, not ${value}`);
}

function numberOf(option: string, value: string, min: number, max: number): number {
  const number = value.trim() === "" ? Number.NaN : Number(value);
  if (number >= min && number <= max) return number;
  throw new UsageError(`--${option} must be a number from ${min} to ${max}, not ${value}`);
}
