import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { until } from "./until.ts";

/** A real nginx on loopback, in a folder of its own. */
export interface Nginx {
  readonly port: number;
  /**
   * `nginx -s reload`, with another configuration. Resolves when only new workers take connections; those
   * of before keep theirs, for as long as the configuration says.
   */
  reload(configuration: NginxConfiguration): Promise<void>;
  close(): Promise<void>;
}

export interface NginxConfiguration {
  /** The blocks within `http`, for a server that listens on the port. */
  http(port: number): string;
  /** After a reload, how long the workers of before keep their connections. */
  readonly workerShutdownSeconds: number;
}

/** Debian has it in a folder that only root has on the PATH. */
const ENV = { PATH: `${process.env.PATH}${delimiter}/usr/sbin` };

export async function startNginx(configuration: NginxConfiguration): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), "pushcast-nginx-"));
  const [port] = await freePorts(1);
  const args = ["-p", folder, "-c", "nginx.conf", "-e", "stderr"];
  const write = (given: NginxConfiguration) =>
    writeFile(join(folder, "nginx.conf"), configurationFile(given, port));

  await write(configuration);
  const master = spawn("nginx", args, { stdio: ["ignore", "ignore", "pipe"], env: ENV });
  const errors = outputOf(master);
  const kill = () => master.kill("SIGTERM");
  process.on("exit", kill);

  const close = async () => {
    process.off("exit", kill);
    if (master.exitCode === null && master.signalCode === null) {
      const exit = once(master, "exit");
      kill();
      await exit;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await once(master, "spawn");
    await until("nginx answers", () => {
      if (master.exitCode !== null) throw new Error(`nginx ended: ${errors()}`);
      return answers(port);
    });
  } catch (error) {
    await close();
    throw error;
  }

  return {
    port,
    reload: async (next) => {
      const before = await workersOf(master);
      await write(next);
      const command = spawn("nginx", [...args, "-s", "reload"], {
        stdio: ["ignore", "ignore", "pipe"],
        env: ENV,
      });
      const output = outputOf(command);
      const [code] = await once(command, "exit");
      if (code !== 0) throw new Error(`nginx -s reload ended with ${code}: ${output()}`);
      await until("no worker of before takes connections", async () => {
        const titles = await Promise.all(before.map(titleOf));
        return titles.every((title) => title === "" || title.includes("is shutting down"));
      });
    },
    close,
  };
}

function configurationFile(
  { http, workerShutdownSeconds }: NginxConfiguration,
  port: number,
): string {
  return `
daemon off;
pid nginx.pid;
worker_processes 1;
worker_shutdown_timeout ${workerShutdownSeconds}s;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
${http(port)}
}
`;
}

async function answers(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/`);
    return true;
  } catch {
    return false;
  }
}

async function workersOf(master: ChildProcess): Promise<number[]> {
  const children = await readFile(`/proc/${master.pid}/task/${master.pid}/children`, "utf8");
  return children.trim().split(" ").map(Number);
}

/** What a worker says that it does; empty when it is gone. */
async function titleOf(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
}

/** The last part of what a process writes to stderr. */
function outputOf({ stderr }: ChildProcess): () => string {
  let text = "";
  stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-4_096);
  });
  return () => text;
}
