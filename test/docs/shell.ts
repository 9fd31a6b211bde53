import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { ROOT } from "../repository/files.ts";
import { within } from "../support/until.ts";

const SHOWN_WITHIN_MS = 20_000;
const ENDS_WITHIN_MS = 20_000;

export interface ShellOptions {
  /** @default the repository's root */
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A block of shell that runs as it stands, with all that it starts. */
export class Shell {
  readonly #child: ChildProcess;
  /** Resolves when the shell and what it started have closed their output. */
  readonly #closed: Promise<unknown>;
  #output = "";

  constructor(code: string, { folder = ROOT, env = {} }: ShellOptions = {}) {
    this.#child = spawn("bash", ["-euo", "pipefail", "-c", code], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // A process group of its own, which ends as one.
      detached: true,
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
    this.#closed = once(this.#child, "close");
  }

  /** What it has written to stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  /** Resolves with the first match in its output. Rejects when it ends without one. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    const matched = new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(this.#output);
        if (match !== null) resolve(match);
      };
      this.#child.stdout?.on("data", look);
      this.#child.stderr?.on("data", look);
      look();
      void this.#closed.then(() => reject(new Error(`ended without ${pattern}: ${this.#output}`)));
    });
    return within(SHOWN_WITHIN_MS, String(pattern), matched).catch((error: Error) => {
      throw new Error(`${error.message}; it wrote: ${this.#output}`);
    });
  }

  /** Resolves with all output when it has ended with 0. */
  async ended(): Promise<string> {
    await within(ENDS_WITHIN_MS, "the end of the block", this.#closed);
    if (this.#child.exitCode !== 0) {
      throw new Error(`ended with ${this.#child.exitCode}: ${this.#output}`);
    }
    return this.#output;
  }

  /** Ctrl-C, if it still runs: to the shell and all that it started. */
  async interrupt(): Promise<void> {
    this.#signal("SIGINT");
    await within(ENDS_WITHIN_MS, "the end after Ctrl-C", this.#closed);
  }

  /** Leaves nothing of it behind. */
  async close(): Promise<void> {
    this.#signal("SIGKILL");
    await this.#closed;
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-(this.#child.pid ?? Number.NaN), signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Runs a block to its end; what it printed. @throws where it ends with another code than 0 */
export async function runShell(code: string, options?: ShellOptions): Promise<string> {
  const shell = new Shell(code, options);
  try {
    return await shell.ended();
  } finally {
    await shell.close();
  }
}
