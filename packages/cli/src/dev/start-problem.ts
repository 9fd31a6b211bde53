import { InvalidSettings, ListenError } from "@pushcast/runtime";
import { PartError } from "./system.ts";

export interface StartProblem {
  readonly exitCode: number;
  /** For a person; ends with a line feed. */
  readonly text: string;
}

const EXIT_FAILED = 1;
/** EX_CONFIG of sysexits.h. */
const EXIT_CONFIG = 78;

/** What a person can do something about; undefined is a fault of the program. */
export function startProblem(error: unknown): StartProblem | undefined {
  if (error instanceof InvalidSettings) {
    const lines = error.errors.map(({ setting, problem }) => `  ${setting} ${problem}\n`);
    return {
      exitCode: EXIT_CONFIG,
      text: `pushcast dev: invalid settings in the environment\n${lines.join("")}`,
    };
  }
  if (error instanceof PartError && error.cause instanceof ListenError) {
    const { setting, port, problem } = error.cause;
    return {
      exitCode: EXIT_FAILED,
      text: `pushcast dev: ${error.part} cannot listen on port ${port} (${setting}): ${problem}
Free that port, or take any others with --free-ports (npm start -- --free-ports).
`,
    };
  }
  return undefined;
}
