import { status } from "@grpc/grpc-js";
import { LatencyWindow } from "./latency-window.ts";
import type { SampleMessage } from "./messages.ts";

/** What a sample says of pushes. */
export type Figures = Pick<
  SampleMessage,
  "pushes" | "refused" | "deliveries" | "nodeSends" | "nodeMatches" | "latencyMs"
>;

/** Counts what this manager's pushes come to, while somebody looks. */
export class PushFigures {
  readonly #latencies = new LatencyWindow();
  #isWatched = false;
  #pushes = 0;
  #refused = 0;
  #deliveries = 0;
  #nodeSends = 0;
  #nodeMatches = 0;

  /** From now on, anew, or no longer. */
  watch(isWatched: boolean): void {
    this.#isWatched = isWatched;
    this.#clear();
  }

  appended(nodesTotal: number): void {
    this.#nodeSends += nodesTotal;
  }

  delivered(sessions: number): void {
    this.#nodeMatches += 1;
    this.#deliveries += sessions;
  }

  answered(code: status, seconds: number): void {
    if (!this.#isWatched) return;
    if (code === status.OK) {
      this.#pushes += 1;
      this.#latencies.add(seconds * 1000);
    } else {
      this.#refused += 1;
    }
  }

  /** What came since it was last taken. */
  take(): Figures {
    const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => this.#latencies.percentile(share));
    const figures: Figures = {
      pushes: this.#pushes,
      refused: this.#refused,
      deliveries: this.#deliveries,
      nodeSends: this.#nodeSends,
      nodeMatches: this.#nodeMatches,
      ...(p50 !== undefined && p90 !== undefined && p99 !== undefined
        ? { latencyMs: { p50, p90, p99 } }
        : {}),
    };
    this.#clear();
    return figures;
  }

  #clear(): void {
    this.#latencies.clear();
    this.#pushes = 0;
    this.#refused = 0;
    this.#deliveries = 0;
    this.#nodeSends = 0;
    this.#nodeMatches = 0;
  }
}
