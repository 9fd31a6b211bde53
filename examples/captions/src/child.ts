import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface ChildInit {
  /** For people: `push-manager`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** All of it: the child inherits nothing. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What it writes on stderr, line by line. */
  readonly onErrorLine: (line: string) => void;
}

/** A process that could not be started, or ended when it should not. */
export class ChildError extends Error {
  override readonly name = "ChildError";
}

/** How long a process may take to stop before it is killed. */
const STOP_WITHIN_MS = 10_000;

/** A process of the example. It never outlives this one, unless this one is killed. */
export class Child {
  readonly name: string;
  /** Resolves when it has ended, with how: an exit code or a signal. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  #isStopping = false;

  /** @throws ChildError, with the code of a failed spawn as `cause.code` */
  static async start(init: ChildInit): Promise<Child> {
    // In a group of its own, or the terminal's Ctrl-C would reach it besides its parent's SIGTERM,
    // and a service takes a second signal for an order to end at once.
    const child = spawn(init.command, init.args, {
      detached: true,
      env: init.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    try {
      await once(child, "spawn");
    } catch (cause) {
      throw new ChildError(`${init.name} cannot be started`, { cause });
    }
    return new Child(init, child);
  }

  private constructor({ name, onErrorLine }: ChildInit, child: ChildProcess) {
    this.name = name;
    this.#process = child;
    const kill = () => child.kill("SIGKILL");
    process.on("exit", kill);
    this.ended = once(child, "exit").then(([code, signal]) => {
      process.off("exit", kill);
      return signal === null ? `exit code ${code}` : String(signal);
    });
    if (child.stderr !== null) createInterface(child.stderr).on("line", onErrorLine);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** It was asked to. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Calls with each line that it writes on stdout. */
  onLine(listener: (line: string) => void): void {
    if (this.#process.stdout !== null) createInterface(this.#process.stdout).on("line", listener);
  }

  /** Asks it to stop and waits until it has. Resolves with how it ended. */
  async stop(): Promise<string> {
    this.#isStopping = true;
    this.#process.kill("SIGTERM");
    const tooLate = setTimeout(() => this.#process.kill("SIGKILL"), STOP_WITHIN_MS);
    const how = await this.ended;
    clearTimeout(tooLate);
    return how;
  }
}
