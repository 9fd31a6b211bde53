import { InvalidSettings, ListenError } from "@pushcast/runtime";
import { CliError } from "../frame/cli-error.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";
import { PartError } from "./system.ts";

/** What a person can do something about; undefined is a fault of the program. */
export function startProblem(error: unknown): CliError | undefined {
  if (error instanceof InvalidSettings) {
    return new CliError({
      code: "INVALID_SETTINGS",
      message: "invalid settings in the environment",
      hint: error.errors.map(({ setting, problem }) => `${setting} ${problem}`).join("\n"),
      exitCode: EXIT_CODES.config,
    });
  }
  if (error instanceof PartError && error.cause instanceof ListenError) {
    const { setting, port, problem } = error.cause;
    return new CliError({
      code: "PORT_TAKEN",
      message: `${error.part} cannot listen on port ${port} (${setting}): ${problem}`,
      hint: "Free that port, or take any others with --free-ports (npm start -- --free-ports).",
      exitCode: EXIT_CODES.failed,
    });
  }
  return undefined;
}
