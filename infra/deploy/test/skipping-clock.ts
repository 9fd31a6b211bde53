import { ManualClock, type TimerHandle } from "@pushcast/runtime";

/** A clock on which each wait ends at once, and has taken as long as it should. For one waiter. */
export class SkippingClock extends ManualClock {
  override setTimeout(fn: () => void, ms: number): TimerHandle {
    const timer = super.setTimeout(fn, ms);
    setImmediate(() => this.advance(this.msToNextTimer ?? 0));
    return timer;
  }
}
