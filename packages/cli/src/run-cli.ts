import { commands } from "./commands.ts";
import { CliError, UsageError } from "./frame/cli-error.ts";
import type { Command } from "./frame/command.ts";
import { EXIT_CODES, type ExitCode } from "./frame/exit-codes.ts";
import { overview, usage } from "./frame/help.ts";
import type { Io } from "./frame/io.ts";
import { nearest } from "./frame/nearest.ts";
import { Output } from "./frame/output.ts";
import { version } from "./version.ts";

/**
 * Runs `pushcast` with these arguments.
 * @returns how it ends; errors that a person can do something about have been said on stderr
 */
export async function runCli(args: readonly string[], io: Io): Promise<ExitCode> {
  // Also for errors in what stands before it.
  const output = new Output(io, has(args, "--json"));
  const [first, ...rest] = args;
  try {
    switch (first) {
      case undefined:
        throw new UsageError("a command is missing", "pushcast --help lists them.");
      case "-h":
      case "--help":
        return print(io, overview(commands));
      case "-v":
      case "--version":
        return print(io, `${version()}\n`);
      case "help":
        return print(io, rest[0] === undefined ? overview(commands) : usage(find(rest[0])));
    }
    const command = find(first);
    if (has(rest, "-h", "--help")) return print(io, usage(command));
    return await runCommand(command, rest, io, output).catch((error) => {
      throw withHelp(error, command);
    });
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    output.error(error);
    return error.exitCode;
  }
}

async function runCommand(
  command: Command,
  args: readonly string[],
  io: Io,
  output: Output,
): Promise<ExitCode> {
  const run = command.prepare(args, io.env);
  const signal = command.ownsProcess ? new AbortController().signal : io.interruption();
  const ended = run({ output, stdin: io.stdin, env: io.env, signal });
  if (command.runsUntilInterrupted || command.ownsProcess) {
    return await ended.catch((error) => {
      if (!signal.aborted) throw error;
      return signal.reason as ExitCode;
    });
  }
  const interrupted = new Promise<ExitCode>((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason as ExitCode), { once: true });
  });
  return await Promise.race([ended, interrupted]).finally(() => output.clearProgress());
}

/** Says also where to read on. */
function withHelp(error: unknown, { name }: Command): unknown {
  if (!(error instanceof UsageError)) return error;
  const help = `pushcast help ${name} shows what it takes.`;
  return new UsageError(error.message, error.hint === undefined ? help : `${error.hint}\n${help}`);
}

/** @throws UsageError */
function find(name: string): Command {
  const command = commands.find((known) => known.name === name);
  if (command !== undefined) return command;
  const suggestion = nearest(name, [...commands.map((known) => known.name), "--help", "--version"]);
  throw new UsageError(
    `unknown ${name.startsWith("-") ? "option" : "command"} ${name}`,
    suggestion === undefined
      ? "pushcast --help lists the commands."
      : `Did you mean pushcast ${suggestion}?`,
  );
}

/** After `--` nothing is an option. */
function has(args: readonly string[], ...names: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.some((arg, index) => (end === -1 || index < end) && names.includes(arg));
}

function print(io: Io, text: string): ExitCode {
  io.stdout.write(text);
  return EXIT_CODES.ok;
}
