import { EXIT_USAGE, UsageError } from "./command.ts";
import { readCommandLine } from "./command-line.ts";

try {
  const action = readCommandLine(process.argv.slice(2));
  if (action.kind === "print") process.stdout.write(action.text);
  else action.run();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`pushcast: ${error.message}\n`);
  process.exitCode = EXIT_USAGE;
}
