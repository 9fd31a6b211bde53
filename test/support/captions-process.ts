import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { until } from "./until.ts";

const RUN = fileURLToPath(new URL("../../examples/captions/dist/run.js", import.meta.url));
const UP_WITHIN_MS = 25_000;

export interface CaptionsSession {
  readonly userId: string;
  readonly tracks: readonly { readonly lang: string; readonly room: string }[];
  readonly nodes: readonly { readonly name: string; readonly url: string }[];
}

/** The captions example as people start it, as built, with a temporary folder of its own. */
export class CaptionsProcess {
  /** Resolves with the exit code when it has ended. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #tmp: string;
  #stdout = "";
  #stderr = "";

  /** It ends with the test. A later `--port` in the arguments replaces the free one. */
  static async start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = { PATH: process.env.PATH ?? "" },
  ): Promise<CaptionsProcess> {
    if (!existsSync(RUN)) throw new Error(`${RUN} is missing: run "npm run build" first`);
    const tmp = await mkdtemp(join(tmpdir(), "pushcast-example-"));
    const child = spawn(process.execPath, [RUN, "--port", "0", ...args], {
      env: { ...env, TMPDIR: tmp },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const example = new CaptionsProcess(child, tmp);
    onTestFinished(() => example.#close());
    return example;
  }

  private constructor(child: ChildProcess, tmp: string) {
    this.#child = child;
    this.#tmp = tmp;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.ended = once(child, "close").then(([code]) => code);
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The address of its page, once that can be opened. */
  async pageUrl(): Promise<string> {
    const find = () => /^The captions are at (\S+)$/m.exec(this.#stdout)?.[1];
    const isOver = () => this.#child.exitCode !== null;
    await until("the address of the page", () => isOver() || find() !== undefined, UP_WITHIN_MS);
    const url = find();
    if (url === undefined) throw new Error(`the example ended: ${this.#stdout}${this.#stderr}`);
    return url;
  }

  /** What its page asks for first: each time for another reader. */
  async session(): Promise<CaptionsSession> {
    const response = await fetch(new URL("session.json", await this.pageUrl()));
    return (await response.json()) as CaptionsSession;
  }

  /** Of the processes that it has started, by name. */
  get pids(): ReadonlyMap<string, number> {
    const found = this.#stdout.matchAll(/^(\S+) runs, pid (\d+)$/gm);
    return new Map(Array.from(found, ([, name = "", pid]) => [name, Number(pid)]));
  }

  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  /** What it has left behind: processes that run, and temporary files. */
  async leftovers(): Promise<string[]> {
    const running = [...this.pids].filter(([, pid]) => isRunning(pid)).map(([name]) => name);
    return [...running, ...(await readdir(this.#tmp))];
  }

  /** Ends it, if it still runs, with all that it has started. */
  async #close(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.ended;
    await rm(this.#tmp, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
