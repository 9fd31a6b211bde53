import type { Clock } from "@pushcast/runtime";
import { closeReason } from "@pushcast/wire";
import type { Hub } from "./hub.ts";
import type { Session } from "./session.ts";
import type { SessionService } from "./session-service.ts";

export interface DrainProgress {
  readonly phase: "accepting" | "handing over" | "drained";
  readonly sessions: number;
  /** Sessions that were told to reconnect. */
  readonly told: number;
}

/** The share of the time for handing over in which clients are told; the rest is for them to go. */
const TELLING_SHARE = 0.75;
/** How often the next clients are told. */
const STEP_MS = 100;
/** Longest time that a client waits before it connects elsewhere. */
const MAX_AFTER_MS = 2_000;
/** How often, while clients are told, it is said how far it is. */
const REPORT_MS = 5_000;
/** Sessions that are closed in one turn of the event loop. */
const CLOSE_SLICE = 200;

/**
 * Empties a node: it still accepts clients while load balancers notice, then tells its clients one
 * by one to reconnect elsewhere, and at the end closes those that are still there.
 */
export class Drain {
  readonly #hub: Hub;
  readonly #sessions: SessionService;
  readonly #clock: Clock;
  readonly #acceptMs: number;
  readonly #handOverMs: number;
  readonly #onProgress: (progress: DrainProgress) => void;
  #done: Promise<void> | undefined;
  #phase: DrainProgress["phase"] = "accepting";
  #told = 0;

  constructor(init: {
    hub: Hub;
    sessions: SessionService;
    clock: Clock;
    acceptMs: number;
    handOverMs: number;
    /** How far it is: at each new phase, and now and then while clients are told; for the log. */
    onProgress: (progress: DrainProgress) => void;
  }) {
    this.#hub = init.hub;
    this.#sessions = init.sessions;
    this.#clock = init.clock;
    this.#acceptMs = init.acceptMs;
    this.#handOverMs = init.handOverMs;
    this.#onProgress = init.onProgress;
  }

  /** Whether it has begun. */
  get begun(): boolean {
    return this.#done !== undefined;
  }

  /** Whether new sessions are still taken. */
  get accepts(): boolean {
    return this.#phase === "accepting";
  }

  progress(): DrainProgress {
    return { phase: this.#phase, sessions: this.#hub.sessions.size, told: this.#told };
  }

  /** Resolves when no session is left. A second call is the first. */
  run(): Promise<void> {
    this.#done ??= this.#run();
    return this.#done;
  }

  async #run(): Promise<void> {
    this.#begin("accepting");
    await this.#sleep(this.#acceptMs);
    this.#begin("handing over");
    await this.#handOver();
    await this.#closeRest();
    this.#begin("drained");
  }

  #begin(phase: DrainProgress["phase"]): void {
    this.#phase = phase;
    this.#onProgress(this.progress());
  }

  async #handOver(): Promise<void> {
    const sessions = shuffled([...this.#hub.sessions.values()]);
    const startedAtMs = this.#clock.monotonicMs();
    const tellingMs = this.#handOverMs * TELLING_SHARE;
    let next = 0;
    let reportAtMs = REPORT_MS;
    for (;;) {
      const elapsedMs = this.#clock.monotonicMs() - startedAtMs;
      if (elapsedMs >= this.#handOverMs || this.#hub.sessions.size === 0) return;
      const due = Math.ceil(sessions.length * Math.min(1, (elapsedMs + STEP_MS) / tellingMs));
      for (; next < due; next += 1) this.#tell(sessions[next] as Session);
      if (elapsedMs >= reportAtMs) {
        reportAtMs += REPORT_MS;
        this.#onProgress(this.progress());
      }
      await this.#sleep(Math.min(STEP_MS, this.#handOverMs - elapsedMs));
    }
  }

  #tell(session: Session): void {
    if (session.closed) return;
    this.#told += 1;
    const longestMs = Math.min(MAX_AFTER_MS, this.#handOverMs * (1 - TELLING_SHARE));
    this.#sessions.sayReconnect(session, Math.floor(Math.random() * longestMs));
  }

  async #closeRest(): Promise<void> {
    const sessions = [...this.#hub.sessions.values()];
    for (let from = 0; from < sessions.length; from += CLOSE_SLICE) {
      for (const session of sessions.slice(from, from + CLOSE_SLICE)) {
        this.#sessions.close(session, closeReason("RESTART"));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #sleep(ms: number): Promise<void> {
    return ms <= 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#clock.setTimeout(resolve, ms));
  }
}

/** Fisher–Yates. */
function shuffled<Item>(items: Item[]): Item[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    const item = items[last] as Item;
    items[last] = items[other] as Item;
    items[other] = item;
  }
  return items;
}
