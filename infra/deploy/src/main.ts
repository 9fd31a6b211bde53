import { readCommandLine } from "./command-line.ts";
import { DeployError } from "./deploy-error.ts";

try {
  const command = readCommandLine(process.argv.slice(2));
  // The client library takes a second to load: whoever mistypes an option need not wait for it.
  const { runCommand } = await import("./run-command.ts");
  const { systemClock } = await import("@pushcast/runtime");
  process.exitCode = await runCommand(command, {
    env: process.env,
    clock: systemClock,
    print: (line) => process.stdout.write(`${line}\n`),
  });
} catch (error) {
  if (!(error instanceof DeployError)) throw error;
  const details = error.details.map((detail) => `  ${detail}\n`);
  process.stderr.write(`pushcast-deploy: ${error.message}\n${details.join("")}`);
  process.exitCode = error.exitCode;
}
