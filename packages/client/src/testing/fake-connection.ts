import type { WebSocketLike } from "../web-socket.ts";

/** A frame of `pushcast.v1.json`, from either side. */
export type FakeFrame = Readonly<Record<string, unknown>> & { readonly type: string };

type Listener = (event: never) => void;

/** Both ends of one connection in memory. What the server sends arrives in a later microtask, in order. */
export class FakeConnection {
  readonly url: URL;
  /** That came where subprotocols are offered. */
  readonly token: string | undefined;
  /** What the client is handed. */
  readonly socket: WebSocketLike;
  readonly #listeners = new Map<string, Listener[]>();
  readonly #onClose: (connection: FakeConnection) => void;
  /** What the server has done and the client has not seen. */
  readonly #underWay: (() => void)[] = [];
  #isOpen = true;

  constructor(init: {
    readonly url: string;
    readonly protocols: readonly string[];
    readonly onFrame: (connection: FakeConnection, frame: FakeFrame) => void;
    readonly onClose: (connection: FakeConnection) => void;
  }) {
    this.url = new URL(init.url);
    this.#onClose = init.onClose;
    const prefix = "pushcast.token.";
    const entry = init.protocols.find((protocol) => protocol.startsWith(prefix));
    this.token = entry?.slice(prefix.length);
    this.socket = {
      protocol: "pushcast.v1.json",
      binaryType: "arraybuffer",
      send: (data) => {
        if (this.#isOpen) init.onFrame(this, JSON.parse(String(data)) as FakeFrame);
      },
      close: () => {
        if (!this.#isOpen) return;
        this.#isOpen = false;
        init.onClose(this);
      },
      addEventListener: (type: string, listener: Listener) => {
        this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
        this.#arrive();
      },
    };
  }

  send(frame: object): void {
    const data = JSON.stringify(frame);
    this.#later(() => this.#emit("message", { data }));
  }

  /** Ends it after all that was sent. @param code 1006 is an end without a close frame */
  close(code: number, reason = ""): void {
    this.#later(() => {
      this.#isOpen = false;
      this.#onClose(this);
      this.#emit("close", { code, reason });
    });
  }

  /** As of a real socket, nothing comes before the client listens. */
  #later(happen: () => void): void {
    this.#underWay.push(happen);
    this.#arrive();
  }

  #arrive(): void {
    if (this.#listeners.size === 0) return;
    queueMicrotask(() => {
      for (const happen of this.#underWay.splice(0)) if (this.#isOpen) happen();
    });
  }

  #emit(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }
}
