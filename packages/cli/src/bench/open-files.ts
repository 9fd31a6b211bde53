import { CliError } from "../frame/cli-error.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";

/** What the process has open beside its clients. */
const OTHERS = 100;

/**
 * @param maxOpenFiles of this process; undefined where it is not known
 * @throws CliError if this process may not open so many connections
 */
export function checkOpenFiles(clients: number, maxOpenFiles: number | undefined): void {
  if (maxOpenFiles === undefined || clients + OTHERS <= maxOpenFiles) return;
  throw new CliError({
    code: "BENCH_TOO_FEW_FILES",
    message: `this process may open ${maxOpenFiles} files, too few for ${clients} clients`,
    hint: `Raise the limit (ulimit -n ${clients + OTHERS}), or take fewer --clients.`,
    exitCode: EXIT_CODES.config,
  });
}
