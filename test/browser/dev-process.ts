import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const MAIN = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
const UP_WITHIN_MS = 20_000;

/** `pushcast dev` as people start it, as built, on free ports. */
export interface DevProcess {
  readonly pageUrl: string;
  /** All that it has written. */
  readonly stdout: string;
  readonly stderr: string;
  /** Ctrl-C. Resolves with the exit code when it has ended. */
  interrupt(): Promise<number | null>;
  /** Ends it without warning, if it still runs. */
  kill(): Promise<void>;
}

/** Resolves when it has said that it is up. */
export async function startDevProcess(): Promise<DevProcess> {
  const child = spawn(process.execPath, [MAIN, "dev", "--free-ports"], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  const closed = once(child, "close");
  await up(child, output);
  const pageUrl = /page +(http:\S+)/.exec(output.stdout)?.[1];
  if (pageUrl === undefined) throw new Error(`it names no page: ${output.stdout}`);
  return {
    pageUrl,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    interrupt: async () => {
      child.kill("SIGINT");
      await closed;
      return child.exitCode;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

function up(child: ChildProcess, output: { stdout: string; stderr: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`not up within ${UP_WITHIN_MS} ms: ${output.stderr}`));
    }, UP_WITHIN_MS);
    child.stdout?.on("data", () => {
      if (!output.stdout.includes("Ctrl-C stops it")) return;
      clearTimeout(timer);
      resolve();
    });
    child.once("close", () => {
      clearTimeout(timer);
      reject(new Error(`pushcast dev ended (has it been built?): ${output.stderr}`));
    });
  });
}
