/** Functions that listen to named events. */
export class Listeners<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  /** @returns stops listening */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    // Of its own, so that one function that listens twice is called twice and removed once.
    const call = (event: Events[Name]) => listener(event);
    listeners.add(call);
    return () => listeners.delete(call);
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const listeners = this.#listeners.get(name) as Set<(event: Events[Name]) => void> | undefined;
    for (const listener of [...(listeners ?? [])]) {
      // Another one may have stopped it just now.
      if (listeners?.has(listener) !== true) continue;
      try {
        listener(event);
      } catch (error) {
        // The listener's fault is seen as uncaught, and what the client is doing goes on.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
