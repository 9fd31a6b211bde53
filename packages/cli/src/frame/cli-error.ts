import { EXIT_CODES, type ExitCode } from "./exit-codes.ts";

export interface CliErrorInit {
  /** For programs: `UPPER_CASE`. */
  readonly code: string;
  /** What is wrong, for a person, without a full stop. */
  readonly message: string;
  /** What to do about it, in whole sentences. */
  readonly hint?: string;
  readonly exitCode: ExitCode;
  readonly cause?: unknown;
}

/** A command cannot do what it was asked to, and a person or a script can do something about it. */
export class CliError extends Error {
  override readonly name: string = "CliError";
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor({ code, message, hint, exitCode, cause }: CliErrorInit) {
    super(message, { cause });
    this.code = code;
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** The command line is wrong. */
export class UsageError extends CliError {
  override readonly name = "UsageError";

  constructor(message: string, hint?: string) {
    super({
      code: "USAGE",
      message,
      exitCode: EXIT_CODES.usage,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
