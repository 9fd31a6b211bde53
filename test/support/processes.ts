import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Metrics, scrape } from "./metrics.ts";
import { cpuSecondsOf, rssBytesOf } from "./proc.ts";
import { until, within } from "./until.ts";

const READY_WITHIN_MS = 20_000;
const STOPS_WITHIN_MS = 20_000;
/** The last part of what a process wrote is kept, to be told when a test fails. */
const KEPT_OUTPUT_CHARS = 2 * 1024 * 1024;

export type ServiceName = "connect-node" | "push-manager";

/** Settings beside the defaults of tests; undefined takes a default away. */
export type Settings = Readonly<Record<string, string | number | undefined>>;

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = join(import.meta.dirname, "../..");

const LOOPBACK = "127.0.0.1";

const DEFAULTS: Readonly<Record<ServiceName, Settings>> = {
  "push-manager": {
    GRPC_HOST: LOOPBACK,
    GRPC_PORT: 0,
    OPS_HOST: LOOPBACK,
    OPS_PORT: 0,
    // So long that reports are whole also where the tests have little processor time.
    ACK_TIMEOUT_MS: 5_000,
  },
  "connect-node": {
    GRPC_HOST: LOOPBACK,
    GRPC_PORT: 0,
    OPS_HOST: LOOPBACK,
    OPS_PORT: 0,
    WS_HOST: LOOPBACK,
    WS_PORT: 0,
    AUTH_MODE: "none",
    REGISTRATION_TTL_S: 2,
    DRAIN_ACCEPT_SECONDS: 0,
    DRAIN_SECONDS: 0,
  },
};

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A process of one of the services: the built one, on loopback, with nothing but its settings. */
export class ServiceProcess {
  readonly name: ServiceName;
  readonly pid: number;
  /** Resolves when it has ended and all that it wrote has been read. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #stdout = "";
  #stderr = "";
  #exit: Exit | undefined;
  #isToldToEnd = false;

  /** @param root of the version that is run. @default this one's */
  constructor(name: ServiceName, settings: Settings = {}, root = ROOT) {
    this.name = name;
    const main = join(root, `services/${name}/dist/main.js`);
    if (!existsSync(main)) throw new Error(`${main} is missing: run "npm run build" first`);
    this.#child = spawn(process.execPath, [main], {
      stdio: ["ignore", "pipe", "pipe"],
      env: environment({ LOG_LEVEL: "warn", ...DEFAULTS[name], ...settings }),
    });
    if (this.#child.pid === undefined) throw new Error(`${name} could not be started`);
    this.pid = this.#child.pid;
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-KEPT_OUTPUT_CHARS);
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_OUTPUT_CHARS);
    });
    running.add(this.#child);
    this.exited = once(this.#child, "close").then(([code, signal]) => {
      running.delete(this.#child);
      this.#exit = { code, signal, stdout: this.#stdout, stderr: this.#stderr };
      return this.#exit;
    });
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** What it logged, from the first line on. */
  get logLines(): Readonly<Record<string, unknown>>[] {
    const whole = this.#stderr.slice(0, this.#stderr.lastIndexOf("\n") + 1);
    return whole
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
  }

  /** Why it should not have ended, if it has. */
  get unexpectedEnd(): string | undefined {
    if (this.#exit === undefined || this.#isToldToEnd) return undefined;
    return `${this.name} ended by itself with ${this.#exit.signal ?? this.#exit.code}: ${this.#stderr}`;
  }

  /** Its one line on stdout, once all its ports listen. */
  async ready(): Promise<Readonly<Record<string, unknown>>> {
    const line = new Promise<string>((resolve) => {
      const look = () => {
        const end = this.#stdout.indexOf("\n");
        if (end >= 0) resolve(this.#stdout.slice(0, end));
      };
      this.#child.stdout.on("data", look);
      look();
    });
    const ended = this.exited.then(({ code, signal, stderr }) => {
      throw new Error(`${this.name} ended with ${signal ?? code} before it was ready: ${stderr}`);
    });
    const first = await within(
      READY_WITHIN_MS,
      `ready line of ${this.name}`,
      Promise.race([line, ended]),
    );
    return JSON.parse(first);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal that ends it, and gives its exit code; null where the signal itself ended it. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#isToldToEnd = true;
    this.#child.kill(signal);
    const { code } = await within(
      STOPS_WITHIN_MS,
      `end of ${this.name} after ${signal}; it wrote: ${this.#stderr}`,
      this.exited,
    );
    return code;
  }

  /** Makes sure that nothing of it is left. */
  async close(): Promise<void> {
    if (this.#exit === undefined) await this.stop("SIGKILL");
  }

  /** It keeps its connections and does nothing. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** Its resident memory now. */
  get rssBytes(): number {
    return rssBytesOf(this.pid);
  }

  /** Processor time that it has taken, in seconds. */
  get cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }
}

/** A connect-node that listens. */
export interface RunningNode {
  readonly process: ServiceProcess;
  readonly nodeId: string;
  readonly grpcPort: number;
  readonly grpcAddress: string;
  /** `ws://127.0.0.1:<port>/ws` */
  readonly wsUrl: string;
  readonly opsUrl: string;
  metrics(): Promise<Metrics>;
  /** Resolves when it has registered and copied what others have: from then on it takes sessions. */
  warm(): Promise<void>;
}

/** A push-manager that listens. */
export interface RunningManager {
  readonly process: ServiceProcess;
  readonly epoch: string;
  readonly grpcAddress: string;
  readonly opsUrl: string;
  metrics(): Promise<Metrics>;
}

interface ReadyLine {
  readonly msg: string;
  readonly service: string;
  readonly node_id: string;
  readonly epoch: string;
  readonly ports: Readonly<Record<"ws" | "grpc" | "ops", number>>;
}

/**
 * Resolves when all its ports listen; rejects, and leaves nothing behind, when they never do.
 * @param root of the version that is run. @default this one's
 */
export async function startNode(settings: Settings, root?: string): Promise<RunningNode> {
  const { process, ready } = await start("connect-node", settings, root);
  const opsUrl = `http://${LOOPBACK}:${ready.ports.ops}`;
  return {
    process,
    nodeId: ready.node_id,
    grpcPort: ready.ports.grpc,
    grpcAddress: `${LOOPBACK}:${ready.ports.grpc}`,
    wsUrl: `ws://${LOOPBACK}:${ready.ports.ws}/ws`,
    opsUrl,
    metrics: () => scrape(opsUrl),
    warm: () => until(`${ready.node_id} is warm`, () => isWarm(opsUrl)),
  };
}

async function isWarm(opsUrl: string): Promise<boolean> {
  const answer = await fetch(`${opsUrl}/readyz`);
  const { checks } = (await answer.json()) as { checks: Record<string, string> };
  // Earlier versions start empty, and have no such check.
  const { registered, warm = "ok" } = checks;
  return registered === "ok" && warm === "ok";
}

/** Like `startNode`. */
export async function startManager(settings: Settings, root?: string): Promise<RunningManager> {
  const { process, ready } = await start("push-manager", settings, root);
  const opsUrl = `http://${LOOPBACK}:${ready.ports.ops}`;
  return {
    process,
    epoch: ready.epoch,
    grpcAddress: `${LOOPBACK}:${ready.ports.grpc}`,
    opsUrl,
    metrics: () => scrape(opsUrl),
  };
}

async function start(
  name: ServiceName,
  settings: Settings,
  root: string | undefined,
): Promise<{ process: ServiceProcess; ready: ReadyLine }> {
  const process = new ServiceProcess(name, settings, root);
  try {
    const ready = (await process.ready()) as unknown as ReadyLine;
    if (ready.msg !== "ready" || ready.service !== name) {
      throw new Error(`no ready line of ${name}: ${JSON.stringify(ready)}`);
    }
    return { process, ready };
  } catch (error) {
    await process.close();
    throw error;
  }
}

function environment(settings: Settings): Record<string, string> {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return {
    PATH: process.env.PATH ?? "",
    ...Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
  };
}
