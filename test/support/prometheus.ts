import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { until } from "./until.ts";

/** How often it scrapes, and looks at its rules. */
const INTERVAL = "500ms";

/** What is scraped, with the labels that its series get. */
export interface ScrapeTarget {
  /** `http://127.0.0.1:<port>`, without the `/metrics` behind it. */
  readonly url: string;
  readonly labels: Readonly<Record<"job" | "namespace" | "pod", string>>;
}

/** A rule as Prometheus says that it is. */
export interface RuleState {
  readonly name: string;
  readonly state: "inactive" | "pending" | "firing";
  /** `unknown` until it was evaluated for the first time. */
  readonly health: "ok" | "err" | "unknown";
  readonly lastError?: string;
  readonly alerts: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

/** The value of each series that a query gave, by the series' labels. */
export type QueryResult = readonly {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [atSeconds: number, value: string];
}[];

/** A real Prometheus on loopback, with data of its own. */
export class Prometheus {
  readonly #url: string;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #kill: () => void;
  #errors = "";

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#url = `http://127.0.0.1:${port}`;
    const flags = [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ];
    const child = spawn("prometheus", flags, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: process.env.PATH },
    });
    child.stderr.on("data", (chunk) => {
      this.#errors = (this.#errors + chunk).slice(-4_096);
    });
    child.on("error", (error) => {
      this.#errors += error.message;
    });
    this.#process = child;
    this.#kill = () => child.kill("SIGKILL");
    process.on("exit", this.#kill);
  }

  /** Resolves when it answers queries. */
  static async start(
    targets: readonly ScrapeTarget[],
    groups: readonly object[],
  ): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), "pushcast-prometheus-"));
    const [port] = await freePorts(1);
    // Prometheus reads YAML, of which JSON is a part.
    await writeFile(join(folder, "rules.yml"), JSON.stringify({ groups }));
    await writeFile(join(folder, "prometheus.yml"), JSON.stringify(configuration(targets)));
    const prometheus = new Prometheus(folder, port);
    try {
      await until("Prometheus is ready", () => prometheus.#isReady());
    } catch (error) {
      await prometheus.close();
      throw error;
    }
    return prometheus;
  }

  /** @throws Error if Prometheus refuses the query */
  async query(promql: string): Promise<QueryResult> {
    const { result } = await this.#get<{ result: QueryResult }>("query", { query: promql });
    return result;
  }

  /** @throws Error if there is no such rule */
  async rule(name: string): Promise<RuleState> {
    const found = (await this.rules()).find((rule) => rule.name === name);
    if (found === undefined) throw new Error(`no rule ${name}`);
    return found;
  }

  async rules(): Promise<RuleState[]> {
    const { groups } = await this.#get<{ groups: { rules: RuleState[] }[] }>("rules", {});
    return groups.flatMap(({ rules }) => rules);
  }

  /** Ends it and deletes its data. */
  async close(): Promise<void> {
    process.off("exit", this.#kill);
    if (!this.#hasEnded) {
      const exit = once(this.#process, "exit");
      this.#kill();
      await exit;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Also where it could not be started at all. */
  get #hasEnded(): boolean {
    const { pid, exitCode, signalCode } = this.#process;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  async #isReady(): Promise<boolean> {
    if (this.#hasEnded) throw new Error(`prometheus ended: ${this.#errors}`);
    try {
      return (await fetch(`${this.#url}/-/ready`)).ok;
    } catch {
      return false;
    }
  }

  async #get<Data>(path: string, parameters: Record<string, string>): Promise<Data> {
    const answer = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const body = (await answer.json()) as { status: string; error?: string; data: Data };
    if (body.status !== "success") throw new Error(`${body.error}: ${JSON.stringify(parameters)}`);
    return body.data;
  }
}

function configuration(targets: readonly ScrapeTarget[]): object {
  return {
    global: { scrape_interval: INTERVAL, scrape_timeout: INTERVAL, evaluation_interval: INTERVAL },
    rule_files: ["rules.yml"],
    scrape_configs: targets.map(({ url, labels: { job, ...labels } }, index) => ({
      job_name: `${job}-${index}`,
      static_configs: [{ targets: [new URL(url).host], labels: { ...labels, job } }],
    })),
  };
}
