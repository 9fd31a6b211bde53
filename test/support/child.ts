import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { cpuSecondsOf } from "./proc.ts";

/** TypeScript as it stands in the packages, whoever starts the child. */
const EXEC_ARGV = ["--conditions=source", "--import", "tsx"];

/** A part of a test or a benchmark in a process of its own, which answers one request at a time. */
export class Child<Request, Reply> {
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(file: URL) {
    this.#process = fork(fileURLToPath(file), { serialization: "advanced", execArgv: EXEC_ARGV });
    this.#ended = once(this.#process, "exit").then(([code]) => {
      throw new Error(`${file.pathname} ended with ${code}`);
    });
    // Whoever asks is told; the end after the last request is none of their business.
    this.#ended.catch(() => {});
  }

  get pid(): number {
    return this.#process.pid ?? Number.NaN;
  }

  /** Processor time that it has taken, in seconds. */
  get cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  /** Waits for its turn, where one was asked before. */
  ask(request: Request): Promise<Reply> {
    const asked = this.#last.then(() => this.#ask(request));
    this.#last = asked.catch(() => {});
    return asked;
  }

  async #ask(request: Request): Promise<Reply> {
    const answer = once(this.#process, "message");
    this.#process.send(request as object);
    const [reply] = await Promise.race([answer, this.#ended]);
    return reply as Reply;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exit;
  }
}

/** The other side: answers each request, in the child process. */
export function answerParent<Request>(handle: (request: Request) => unknown): void {
  process.on("message", async (request) => {
    process.send?.(await handle(request as Request));
  });
  process.on("disconnect", () => process.exit());
}
