/** Places for so many at once. Those who wait for one take turns by user, however much one of them asks. */
export class UserTurns {
  #free: number;
  /** The user whose turn is next stands first. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(places: number) {
    this.#free = places;
  }

  /** Takes a place, if one is free. */
  tryTake(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  /** Waits for a place. @returns false if the signal came first */
  take(userId: string, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const begins = this.#waiting.get(userId) ?? new Set();
      const begin = () => resolve(true);
      begins.add(begin);
      this.#waiting.set(userId, begins);
      const giveUp = () => {
        begins.delete(begin);
        if (begins.size === 0 && this.#waiting.get(userId) === begins) this.#waiting.delete(userId);
        resolve(false);
      };
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  /** Gives a place back: it is the next user's who waits. */
  give(): void {
    for (const [userId, begins] of this.#waiting) {
      for (const begin of begins) {
        this.#waiting.delete(userId);
        begins.delete(begin);
        if (begins.size > 0) this.#waiting.set(userId, begins);
        begin();
        return;
      }
    }
    this.#free += 1;
  }
}
