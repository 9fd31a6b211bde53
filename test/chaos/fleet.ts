import { setTimeout as sleep } from "node:timers/promises";
import type { KnownPush } from "@pushcast/log";
import { Child } from "../support/child.ts";
import type { FleetReport, FleetRequest, PlannedClient } from "./fleet-types.ts";

const SETTLE_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 250;

/** Clients in a process of their own, which resume, reconnect and record what they are told. */
export class Fleet {
  readonly #child = new Child<FleetRequest, FleetReport | "done">(
    new URL("./fleet-process.ts", import.meta.url),
  );

  /** Resolves when all are live, spread over the nodes by chance. Those of before are closed. */
  async open(
    clients: readonly PlannedClient[],
    urls: readonly string[],
    seed: number,
  ): Promise<void> {
    await this.#child.ask({ type: "open", clients, urls, seed });
  }

  /** Where they connect from now on, as a load balancer would say. */
  async setUrls(urls: readonly string[]): Promise<void> {
    await this.#child.ask({ type: "urls", urls });
  }

  /** A share of the clients lose their connections without a word. */
  async cut(share: number): Promise<void> {
    await this.#child.ask({ type: "cut", share });
  }

  /**
   * Waits until every client is live and lacks nothing in silence, and gives what they were told. What
   * is still missing after a while is lost.
   */
  async settled(pushes: readonly KnownPush[]): Promise<FleetReport> {
    await this.#child.ask({ type: "pushes", pushes });
    const givesUpAtMs = performance.now() + SETTLE_WITHIN_MS;
    for (;;) {
      const report = await this.report();
      const isSettled = report.live === report.clients && report.counts.lost === 0;
      if (isSettled || performance.now() > givesUpAtMs) return report;
      await sleep(LOOK_EVERY_MS);
    }
  }

  async report(): Promise<FleetReport> {
    const report = await this.#child.ask({ type: "check" });
    if (report === "done") throw new Error("the fleet gave no report");
    return report;
  }

  async close(): Promise<void> {
    await this.#child.close();
  }
}
