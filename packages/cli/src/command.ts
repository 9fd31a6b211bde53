/** One word after `pushcast`. */
export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What `pushcast NAME --help` prints. */
  readonly usage: string;
  /**
   * Reads the arguments after the name.
   * @returns what they ask for
   * @throws UsageError
   */
  prepare(args: readonly string[]): Action;
}

/** What a command line asks for. */
export type Action =
  | { readonly kind: "print"; readonly text: string }
  /** From here on the action owns the process and its exit code. */
  | { readonly kind: "run"; run(): void };

/** EX_USAGE of sysexits.h. */
export const EXIT_USAGE = 64;

/** The command line is wrong; the message says how, for a person. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
