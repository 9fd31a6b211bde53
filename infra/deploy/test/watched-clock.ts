import { ManualClock, type TimerHandle } from "@pushcast/runtime";

/** A clock that stands still until a test advances it, and tells when it is waited for. */
export class WatchedClock extends ManualClock {
  #waiting: { readonly timers: number; readonly resolve: () => void } | undefined;

  override setTimeout(fn: () => void, ms: number): TimerHandle {
    const timer = super.setTimeout(fn, ms);
    if (this.pendingTimers === this.#waiting?.timers) this.#waiting.resolve();
    return timer;
  }

  /** Ends when so many timers are pending: whoever uses the clock then waits for time to pass. */
  async isWaitedForBy(timers: number): Promise<void> {
    if (this.pendingTimers === timers) return;
    await new Promise<void>((resolve) => {
      this.#waiting = { timers, resolve };
    });
    this.#waiting = undefined;
  }
}
