import type { Clock, TimerHandle } from "@pushcast/runtime";
import { pause } from "../wait.ts";
import type { Lease } from "./lease.ts";

/** A leader that cannot renew for so long stops: earlier than others take the lease over. */
const RENEW_DEADLINE_MS = 10_000;
/** Between two tries to take or renew the lease. */
const RETRY_MS = 2_000;

export interface LeaderElectionInit {
  readonly lease: Lease;
  readonly clock: Clock;
  /**
   * Leads. Called whenever this process is elected.
   * @param over aborts when it is not the leader any more; then this must end soon
   */
  lead(over: AbortSignal): Promise<void>;
  /** Gets what kept it from taking or renewing the lease; it tries again. */
  onError(error: unknown): void;
}

/**
 * Lets at most one of several processes lead, as far as clocks run at about the same speed: what a
 * leader does must not harm if another does it too for a moment.
 */
export class LeaderElection {
  readonly #init: LeaderElectionInit;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #isLeader = false;

  constructor(init: LeaderElectionInit) {
    this.#init = init;
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends leading, and gives the lease back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { lease, clock, onError } = this.#init;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const triedAtMs = clock.monotonicMs();
      if (await this.#take()) await this.#lead(triedAtMs);
      else await pause(clock, RETRY_MS, signal);
    }
    await lease.release().catch(onError);
  }

  /** Leads until the lease cannot be renewed in time, leading ends by itself, or it is stopped. */
  async #lead(takenAtMs: number): Promise<void> {
    const { clock, lead, onError } = this.#init;
    const own = new AbortController();
    const over = AbortSignal.any([own.signal, this.#stop.signal]);
    over.addEventListener("abort", () => {
      this.#isLeader = false;
    });
    this.#isLeader = true;
    const leading = lead(over)
      .catch(onError)
      .finally(() => own.abort());
    let deadline = this.#deadline(takenAtMs, own);
    for (;;) {
      await pause(clock, RETRY_MS, over);
      if (over.aborted) break;
      const triedAtMs = clock.monotonicMs();
      if (!(await this.#take())) continue;
      clock.clearTimeout(deadline);
      deadline = this.#deadline(triedAtMs, own);
    }
    clock.clearTimeout(deadline);
    await leading;
  }

  /** Counted from before the request: the API server may have heard it any time since. */
  #deadline(takenAtMs: number, own: AbortController): TimerHandle {
    const { clock } = this.#init;
    const leftMs = takenAtMs + RENEW_DEADLINE_MS - clock.monotonicMs();
    return clock.setTimeout(() => own.abort(), leftMs);
  }

  async #take(): Promise<boolean> {
    try {
      return await this.#init.lease.take();
    } catch (error) {
      this.#init.onError(error);
      return false;
    }
  }
}
