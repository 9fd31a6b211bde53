import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Child, ChildError } from "./child.ts";

/** A real etcd on loopback, with data of its own. */
export interface Etcd {
  readonly child: Child;
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
}

/** There is no `etcd` in the PATH; its message says what to install. */
export class EtcdMissingError extends Error {
  override readonly name = "EtcdMissingError";
  override readonly message =
    "etcd is not installed: on Debian and Ubuntu, apt-get install etcd-server; else see https://etcd.io/docs/latest/install/";
}

const HEALTHY_WITHIN_MS = 15_000;
const STDERR_LINES = 20;

/** @throws EtcdMissingError, ChildError */
export async function startEtcd(): Promise<Etcd> {
  const dataDir = await mkdtemp(join(tmpdir(), "pushcast-captions-"));
  const removeData = () => rm(dataDir, { recursive: true, force: true });
  try {
    const clientUrl = `http://127.0.0.1:${await freePort()}`;
    const child = await runEtcd(dataDir, clientUrl, `http://127.0.0.1:${await freePort()}`);
    return {
      child,
      endpoint: clientUrl,
      stop: async () => {
        await child.stop();
        await removeData();
      },
    };
  } catch (error) {
    await removeData();
    throw error;
  }
}

async function runEtcd(dataDir: string, clientUrl: string, peerUrl: string): Promise<Child> {
  const errors: string[] = [];
  const child = await Child.start({
    name: "etcd",
    command: "etcd",
    args: [
      "--name=captions",
      `--data-dir=${dataDir}`,
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=captions=${peerUrl}`,
      "--logger=zap",
      "--log-level=error",
    ],
    env: { PATH: process.env.PATH },
    onErrorLine: (line) => {
      errors.push(line);
      if (errors.length > STDERR_LINES) errors.shift();
    },
  }).catch((error) => {
    throw error.cause?.code === "ENOENT" ? new EtcdMissingError() : error;
  });
  const ended = child.ended.then((how) => {
    throw new ChildError(`etcd ended with ${how}: ${errors.join("\n")}`);
  });
  await Promise.race([healthy(clientUrl), ended]).catch(async (error) => {
    await child.stop();
    throw error;
  });
  return child;
}

async function healthy(endpoint: string): Promise<void> {
  const givesUpAtMs = performance.now() + HEALTHY_WITHIN_MS;
  while (performance.now() < givesUpAtMs) {
    if (await saysHealthy(endpoint)) return;
    await sleep(50);
  }
  throw new ChildError(`etcd was not healthy within ${HEALTHY_WITHIN_MS} ms`);
}

async function saysHealthy(endpoint: string): Promise<boolean> {
  try {
    const answer = await fetch(`${endpoint}/health`, { signal: AbortSignal.timeout(500) });
    return ((await answer.json()) as { health?: unknown }).health === "true";
  } catch {
    return false;
  }
}

/** A port on which nobody listens: etcd does not tell which it took when given 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
