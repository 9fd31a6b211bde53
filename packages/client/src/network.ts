/** What a device says of its network. */
export interface Network {
  /** False only if the device is sure that it has none. */
  readonly isOnline: boolean;
  /** Calls `onChange` when that may have changed. @returns stops it */
  watch(onChange: () => void): () => void;
}

/** What browsers have, and Node has not. */
const device = globalThis as Partial<Pick<EventTarget, "addEventListener">> & {
  readonly navigator?: { readonly onLine?: boolean };
};

/** That of the browser; always online where there is none, as in Node. */
const systemNetwork: Network = {
  get isOnline() {
    return device.navigator?.onLine !== false;
  },
  watch(onChange) {
    const end = new AbortController();
    for (const name of ["online", "offline"]) {
      device.addEventListener?.(name, onChange, { signal: end.signal });
    }
    return () => end.abort();
  },
};

/** For servers on the device itself: they are there, whatever it says of its network. */
const loopbackNetwork: Network = {
  isOnline: true,
  watch: () => () => {},
};

/** What to heed on the way to a server. A URL that is not known yet may be anywhere. */
export function networkTo(url: unknown): Network {
  const isLoopback = /^wss?:\/\/(localhost|127(\.\d+){3}|\[::1])([:/?]|$)/i.test(String(url));
  return isLoopback ? loopbackNetwork : systemNetwork;
}
