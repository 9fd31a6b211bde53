import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../../test/support/free-ports.ts";
import { until } from "../../../test/support/until.ts";
import { SERVER_CORE } from "../cores.ts";
import type { RunningSystem } from "./system.ts";

const HOST = "127.0.0.1";
const KEPT_OUTPUT_CHARS = 10_000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGTERM");
});

export interface Ports {
  /** For clients. */
  readonly ws: number;
  /** For the publisher, where it speaks something else. */
  readonly native: number;
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Written to a file, whose path is `{config}` in `args`. */
  readonly config?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly publishesTo: "ws" | "native";
}

/**
 * Starts a server on free ports of loopback, in an empty directory.
 *
 * @param cores @default the server's
 */
export async function startServer(
  commandFor: (ports: Ports, directory: string) => ServerCommand,
  cores = SERVER_CORE,
): Promise<RunningSystem> {
  const [ws, native] = await freePorts(2);
  const directory = await mkdtemp(join(tmpdir(), "pushcast-bench-"));
  const { command, args, config, environment, publishesTo } = commandFor({ ws, native }, directory);
  const configFile = join(directory, "config");
  if (config !== undefined) await writeFile(configFile, config);
  // Its threads and processes inherit the cores.
  const child = spawn(
    "taskset",
    [
      "--cpu-list",
      cores,
      command,
      ...args.map((argument) => argument.replace("{config}", configFile)),
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment } },
  );
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-KEPT_OUTPUT_CHARS);
    });
  }
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      const kill = setTimeout(() => child.kill("SIGKILL"), 2_000);
      await exit;
      clearTimeout(kill);
    }
    running.delete(child);
    await rm(directory, { recursive: true });
  };
  try {
    for (const port of publishesTo === "ws" ? [ws] : [ws, native]) {
      await until(`${command} listens`, async () => {
        if (child.exitCode !== null) throw new Error(`${command} ended: ${output}`);
        return await listens(port);
      });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    clients: [{ host: HOST, port: ws }],
    publisher: { host: HOST, port: publishesTo === "ws" ? ws : native },
    servers: [child.pid ?? Number.NaN],
    beside: [],
    close,
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
