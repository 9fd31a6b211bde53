import { inspect } from "node:util";
import { EXIT_CODES } from "./exit-codes.ts";
import { ListenError } from "./listen.ts";
import type { Service } from "./service.ts";
import { InvalidSettings } from "./settings.ts";

/** Interrupts that come closer together than this are one press of Ctrl-C. */
const KEY_PRESS_MS = 200;

/**
 * Runs a service as this process, from its creation to the exit.
 *
 * | what happens                                | exit code |
 * |---------------------------------------------|-----------|
 * | SIGTERM or SIGINT, and it stopped           | 0         |
 * | a second signal, or `stopLimitMs` is over   | 1         |
 * | it cannot be created, started or stopped    | 1         |
 * | InvalidSettings                             | 78        |
 * | an uncaught exception or rejection          | 1         |
 *
 * Each but the first writes one line of JSON on stderr, whatever LOG_LEVEL says.
 *
 * @param create may import what it needs lazily, so that signals are heeded from early on
 * @param announce gets what `start()` returned, unless a stop began meanwhile
 */
export function runProcess<Ready>(
  create: () => Service<Ready> | Promise<Service<Ready>>,
  announce: (ready: Ready) => void,
): void {
  let service: Service<Ready> | undefined;
  let stopping = false;
  let interruptedAtMs = Number.NEGATIVE_INFINITY;

  const stop = (signal: NodeJS.Signals) => {
    const nowMs = performance.now();
    // npm passes Ctrl-C on to a process that has it from the terminal already.
    const isSameKeyPress = signal === "SIGINT" && nowMs - interruptedAtMs < KEY_PRESS_MS;
    if (signal === "SIGINT") interruptedAtMs = nowMs;
    if (isSameKeyPress) return;
    if (stopping) return fail("second signal", { signal });
    stopping = true;
    // It opens nothing before it is started.
    if (service === undefined) return process.exit(EXIT_CODES.ok.code);
    const { stopLimitMs } = service;
    setTimeout(() => fail("stop limit is over", { stopLimitMs }), stopLimitMs);
    service.stop().then(
      () => process.exit(EXIT_CODES.ok.code),
      (error) => fail("cannot stop", { err: describe(error) }),
    );
  };

  const run = async () => {
    try {
      service = await create();
      const ready = await service.start();
      if (!stopping) announce(ready);
    } catch (error) {
      // A start that was interrupted may end in any way; the stop says how it went.
      if (!stopping) failStart(error);
    }
  };

  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("uncaughtException", (error, origin) => {
    fail(origin === "unhandledRejection" ? "unhandled rejection" : "uncaught exception", {
      err: describe(error),
    });
  });
  void run();
}

function failStart(error: unknown): never {
  if (error instanceof InvalidSettings) {
    return exit(EXIT_CODES.config.code, { msg: "invalid settings", errors: error.errors });
  }
  if (error instanceof ListenError) {
    const { setting, port, problem } = error;
    return exit(EXIT_CODES.failed.code, { msg: "cannot listen", setting, port, problem });
  }
  return fail("cannot start", { err: describe(error) });
}

function describe(error: unknown): { type: string; message: string; stack?: string } {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  // With its causes.
  return { type: error.name, message: error.message, stack: inspect(error) };
}

function fail(msg: string, fields: Readonly<Record<string, unknown>>): never {
  return exit(EXIT_CODES.failed.code, {
    level: "fatal",
    time: new Date().toISOString(),
    msg,
    ...fields,
  });
}

/** Writes a last line, and ends the process: on Linux, stderr is written before this returns. */
function exit(code: number, line: Readonly<Record<string, unknown>>): never {
  process.stderr.write(`${JSON.stringify(line)}\n`);
  process.exit(code);
}
