import type { Clock } from "@pushcast/runtime";

/** How long what waits is worked on before live delivery has its turn. */
const SLICE_MS = 5;

/**
 * Work that can wait: handshakes, and what clients ask for. When thousands connect or resume at once,
 * a thousand of them may be ready in one turn of the event loop: they are worked on in the order in
 * which they came, in slices, with live delivery in between.
 */
export class SlicedQueue {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Does the work soon, after what waits already. */
  add(work: () => void): void {
    this.#waiting.add(work);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const endsAtMs = this.#clock.monotonicMs() + SLICE_MS;
    // What is added meanwhile comes last, and so perhaps in this slice.
    for (const work of this.#waiting) {
      this.#waiting.delete(work);
      work();
      if (this.#clock.monotonicMs() >= endsAtMs) break;
    }
    this.#scheduled = this.#waiting.size > 0;
    if (this.#scheduled) setImmediate(this.#run);
  };
}
