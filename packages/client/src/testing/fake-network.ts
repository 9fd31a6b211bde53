import type { Network } from "../network.ts";

/** A device's network, that a test switches off and on. */
export class FakeNetwork implements Network {
  readonly #watchers = new Set<() => void>();
  #isOnline = true;

  get isOnline(): boolean {
    return this.#isOnline;
  }

  set isOnline(isOnline: boolean) {
    if (isOnline === this.#isOnline) return;
    this.#isOnline = isOnline;
    for (const onChange of [...this.#watchers]) onChange();
  }

  watch(onChange: () => void): () => void {
    const watcher = () => onChange();
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
