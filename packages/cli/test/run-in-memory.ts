import { PassThrough, Readable } from "node:stream";
import type { ExitCode } from "../src/frame/exit-codes.ts";
import type { Environment, TextStream } from "../src/frame/io.ts";
import { runCli } from "../src/run-cli.ts";

export interface RunOptions {
  readonly env?: Environment;
  /** What is typed or piped into it. @default nothing, at its end */
  readonly stdin?: string | Buffer;
  /** A terminal of that width instead of a pipe, for stdout and stderr. */
  readonly terminalColumns?: number;
  readonly signal?: AbortSignal;
}

export interface Run {
  /** Rejects where `runCli` does. */
  readonly exitCode: Promise<ExitCode>;
  /** All that it has written. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves when it has written that much. */
  untilStdout(isEnough: (stdout: string) => boolean): Promise<void>;
}

/** `pushcast` in this process. */
export function startInMemory(args: readonly string[], options: RunOptions = {}): Run {
  const { env = {}, stdin = "", terminalColumns, signal = new AbortController().signal } = options;
  const [stdout, stderr] = [collector(terminalColumns), collector(terminalColumns)];
  const exitCode = runCli(args, {
    stdin: Readable.from(stdin === "" ? [] : [Buffer.from(stdin)]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    env,
    interruption: () => signal,
  });
  return {
    exitCode,
    get stdout() {
      return stdout.text();
    },
    get stderr() {
      return stderr.text();
    },
    untilStdout: (isEnough) =>
      new Promise((resolve) => {
        const look = () => {
          if (isEnough(stdout.text())) resolve();
        };
        stdout.stream.on("data", look);
        look();
      }),
  };
}

/** The same, to its end. */
export async function runInMemory(
  args: readonly string[],
  options?: RunOptions,
): Promise<{ exitCode: ExitCode; stdout: string; stderr: string }> {
  const run = startInMemory(args, options);
  const exitCode = await run.exitCode;
  return { exitCode, stdout: run.stdout, stderr: run.stderr };
}

function collector(columns: number | undefined): { stream: TextStream; text(): string } {
  let collected = "";
  const stream = new PassThrough({ encoding: "utf8" });
  stream.on("data", (text: string) => {
    collected += text;
  });
  const terminal = columns === undefined ? {} : { isTTY: true, columns };
  return { stream: Object.assign(stream, terminal), text: () => collected };
}
