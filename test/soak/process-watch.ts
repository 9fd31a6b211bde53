import { readdirSync } from "node:fs";
import type { RunningManager, RunningNode } from "../support/processes.ts";
import { type Held, Inspector } from "./inspector.ts";

/** A process at one time. */
export interface Sample extends Held {
  /** `performance.now()` */
  readonly atMs: number;
  readonly rssBytes: number;
  /** Open files and sockets, without those of sessions. */
  readonly handles: number;
  readonly logBytes: number;
  /** Sessions of a node; links of a manager. */
  readonly connections: number;
  /** Sessions that read too slowly; 0 of a manager. */
  readonly lagging: number;
  /** Since the sample before, of one core. */
  readonly cpuShare: number;
  /** Of the event loop since the sample before, the 99th percentile. */
  readonly loopLagMs: number;
}

/** Takes samples of one process, from its start to its end. */
export class ProcessWatch {
  readonly name: string;
  readonly samples: Sample[] = [];
  readonly #running: RunningNode | RunningManager;
  readonly #inspector: Inspector;
  #cpuSeconds: number;
  #sampledAtMs = performance.now();

  /** @param running started with the settings `INSPECTED` */
  static async of(name: string, running: RunningNode | RunningManager): Promise<ProcessWatch> {
    return new ProcessWatch(name, running, await Inspector.of(running.process));
  }

  private constructor(name: string, running: RunningNode | RunningManager, inspector: Inspector) {
    this.name = name;
    this.#running = running;
    this.#inspector = inspector;
    this.#cpuSeconds = running.process.cpuSeconds;
  }

  async sample(): Promise<void> {
    const { process } = this.#running;
    const metrics = await this.#running.metrics();
    const { rssBytes, cpuSeconds } = process;
    const handles = readdirSync(`/proc/${process.pid}/fd`).length;
    const held = await this.#inspector.look();
    const atMs = performance.now();
    const isNode = process.name === "connect-node";
    const sessions = metrics.sum("connect_node_sessions");
    this.samples.push({
      ...held,
      atMs,
      rssBytes,
      handles: handles - sessions,
      logBytes: metrics.value(isNode ? "connect_node_log_bytes" : "push_manager_log_bytes"),
      connections: isNode ? sessions : metrics.sum("push_manager_nodes"),
      lagging: metrics.sum("connect_node_lagging_sessions"),
      cpuShare: (cpuSeconds - this.#cpuSeconds) / ((atMs - this.#sampledAtMs) / 1000),
      loopLagMs: metrics.value("nodejs_eventloop_lag_p99_seconds") * 1000,
    });
    this.#cpuSeconds = cpuSeconds;
    this.#sampledAtMs = atMs;
  }

  close(): void {
    this.#inspector.close();
  }
}
