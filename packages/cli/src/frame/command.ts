import type { ExitCode } from "./exit-codes.ts";
import type { Environment, Io } from "./io.ts";
import { flag, type Option, type Options, type OptionValues } from "./option.ts";
import type { Output } from "./output.ts";
import { readArguments } from "./read-arguments.ts";

/** What a running command works with. */
export interface Context {
  readonly output: Output;
  readonly stdin: Io["stdin"];
  readonly env: Environment;
  /** Aborted when the user wants no more; never for a command with `ownsProcess`. */
  readonly signal: AbortSignal;
}

export interface Example {
  /** As it is typed. */
  readonly line: string;
  readonly doc: string;
}

/** What a command is, as its own file says it. */
export interface CommandSpec<Of extends Options> {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What may follow the name, one line for each form: `room NAME [CONTENT]`. */
  readonly forms: readonly string[];
  /** Paragraphs between the forms and the options, of lines of at most 80 characters. */
  readonly details: string;
  readonly options: Of;
  readonly examples: readonly Example[];
  /**
   * Runs until it is interrupted, which is then no failure: its exit code counts. Others end with
   * `interrupted`.
   * @default false
   */
  readonly runsUntilInterrupted?: boolean;
  /** Handles signals, and ends the process, by itself. @default false */
  readonly ownsProcess?: boolean;
  /**
   * Imports what it needs when it runs, so that the others start fast.
   * @throws CliError
   */
  run(
    given: { readonly options: OptionValues<Of>; readonly positionals: readonly string[] },
    context: Context,
  ): Promise<ExitCode>;
}

/** One word after `pushcast`. */
export interface Command extends Omit<CommandSpec<Options>, "run"> {
  /**
   * Reads the arguments after the name.
   * @returns what they ask for
   * @throws UsageError
   */
  prepare(args: readonly string[], env: Environment): (context: Context) => Promise<ExitCode>;
}

const COMMON_OPTIONS = {
  // Heeded before a command's arguments are read; here for the usage.
  help: flag({ group: "Output", doc: "Show this" }),
  json: flag({
    group: "Output",
    doc: "Write JSON: one object, or one on each line where there are many. Errors too, on stderr",
  }),
} satisfies Readonly<Record<string, Option<unknown>>>;

export function defineCommand<const Of extends Options>(spec: CommandSpec<Of>): Command {
  const { run, ...rest } = spec;
  const options = { ...spec.options, ...COMMON_OPTIONS };
  return {
    ...rest,
    options,
    prepare: (args, env) => {
      const given = readArguments(args, options, env);
      return (context) =>
        run(given as { options: OptionValues<Of>; positionals: readonly string[] }, context);
    },
  };
}
