import { EXIT_CODES, type ExitCode } from "./frame/exit-codes.ts";
import { runCli } from "./run-cli.ts";

// Of libraries, and nothing that a user of this program could do something about.
process.noDeprecation = true;

const interruption = new AbortController();

function interruptWith(exitCode: ExitCode): void {
  // A second signal does not wait for anything.
  if (interruption.signal.aborted) process.exit(exitCode);
  interruption.abort(exitCode);
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever reads it, `head` say, has all that it wanted.
    if (error.code === "EPIPE") process.exit(EXIT_CODES.ok);
    throw error;
  });
}

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  interruption: () => {
    process.on("SIGINT", () => interruptWith(EXIT_CODES.interrupted));
    process.on("SIGTERM", () => interruptWith(EXIT_CODES.terminated));
    return interruption.signal;
  },
});
// Not by itself: what was interrupted may still hold a connection, or stdin. Pipes and files are written by now.
process.exit();
