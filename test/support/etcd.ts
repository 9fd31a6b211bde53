import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CertificateFiles } from "./certificates.ts";
import { freePorts } from "./free-ports.ts";

const HEALTHY_WITHIN_MS = 15_000;

/** A real etcd on loopback, with data of its own. */
export interface Etcd {
  /** `http://127.0.0.1:<port>`, or `https` with TLS */
  readonly endpoint: string;
  readonly port: number;
  /** Of the process that runs now. */
  readonly pid: number;
  /** Ends it without warning, as a crash would. Its data stay. */
  stop(): Promise<void>;
  /** Starts it again, on the same ports with the same data; resolves when it is healthy. */
  start(): Promise<void>;
  /** Ends it, deletes its data and starts it empty: revisions begin again at 1. */
  wipe(): Promise<void>;
  /** It keeps its connections and answers nobody. */
  freeze(): void;
  thaw(): void;
  /** Ends it for good and deletes its data. */
  close(): Promise<void>;
}

export interface EtcdOptions {
  /** Default: a new folder under the system's temporary one. Deleted by `close` either way. */
  readonly dataDir?: string;
  /** Port for clients. Default: any free one. */
  readonly port?: number;
  /** Clients must show a certificate of the same CA. Default: plain text. */
  readonly tls?: CertificateFiles;
}

export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "pushcast-etcd-")));
  const [freePort, peerPort, healthPort] = await freePorts(3);
  const port = options.port ?? freePort;
  const endpoint = `${options.tls ? "https" : "http"}://127.0.0.1:${port}`;
  const healthUrl = `http://127.0.0.1:${healthPort}`;
  let running: ChildProcess | undefined;

  const kill = () => running?.kill("SIGKILL");
  process.on("exit", kill);

  const start = async () => {
    running = runEtcd(
      { dataDir, endpoint, healthUrl, peerUrl: `http://127.0.0.1:${peerPort}` },
      options.tls,
    );
    await healthy(running, healthUrl);
  };
  const stop = async () => {
    if (running === undefined) return;
    const exited = running.exitCode !== null || running.signalCode !== null;
    const exit = exited ? undefined : once(running, "exit");
    running.kill("SIGKILL");
    await exit;
    running = undefined;
  };
  const removeData = () => rm(dataDir, { recursive: true, force: true });

  await start();
  return {
    endpoint,
    port,
    get pid() {
      if (running?.pid === undefined) throw new Error("this etcd does not run");
      return running.pid;
    },
    stop,
    start,
    wipe: async () => {
      await stop();
      await removeData();
      await start();
    },
    freeze: () => {
      running?.kill("SIGSTOP");
    },
    thaw: () => {
      running?.kill("SIGCONT");
    },
    close: async () => {
      process.off("exit", kill);
      await stop();
      await removeData();
    },
  };
}

interface EtcdPlace {
  readonly dataDir: string;
  readonly endpoint: string;
  readonly healthUrl: string;
  readonly peerUrl: string;
}

function runEtcd(
  { dataDir, endpoint, healthUrl, peerUrl }: EtcdPlace,
  tls: CertificateFiles | undefined,
): ChildProcess {
  const flags = [
    ["name", "test"],
    ["data-dir", dataDir],
    ["listen-client-urls", endpoint],
    ["advertise-client-urls", endpoint],
    ["listen-metrics-urls", healthUrl],
    ["listen-peer-urls", peerUrl],
    ["initial-advertise-peer-urls", peerUrl],
    ["initial-cluster", `test=${peerUrl}`],
    ["logger", "zap"],
    ["log-level", "error"],
    // The data outlive a kill of the process, which is all that tests do to it.
    ["unsafe-no-fsync", "true"],
    ...(tls === undefined
      ? []
      : [
          ["cert-file", tls.cert],
          ["key-file", tls.key],
          ["trusted-ca-file", tls.ca],
          ["client-cert-auth", "true"],
        ]),
  ];
  const args = flags.map(([name, value]) => `--${name}=${value}`);
  // Debian's etcd also reads its flags from the environment.
  return spawn("etcd", args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env.PATH },
  });
}

async function healthy(etcd: ChildProcess, endpoint: string): Promise<void> {
  let errors = "";
  etcd.stderr?.on("data", (chunk) => {
    errors = (errors + chunk).slice(-4_096);
  });
  let failure: Error | undefined;
  etcd.once("error", (error) => {
    failure = error;
  });
  etcd.once("exit", (code, signal) => {
    failure ??= new Error(`etcd ended with ${signal ?? code}: ${errors}`);
  });
  const givesUpAtMs = performance.now() + HEALTHY_WITHIN_MS;
  while (performance.now() < givesUpAtMs) {
    if (failure !== undefined) throw failure;
    if (await saysHealthy(endpoint)) return;
    await sleep(25);
  }
  etcd.kill("SIGKILL");
  throw new Error(`etcd was not healthy within ${HEALTHY_WITHIN_MS} ms: ${errors}`);
}

async function saysHealthy(endpoint: string): Promise<boolean> {
  try {
    const answer = await fetch(`${endpoint}/health`, { signal: AbortSignal.timeout(500) });
    return ((await answer.json()) as { health?: unknown }).health === "true";
  } catch {
    return false;
  }
}
