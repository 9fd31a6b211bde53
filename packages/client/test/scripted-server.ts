import type { WebSocketConstructor, WebSocketLike } from "../src/web-socket.ts";

/** A JSON frame, from either side. */
export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

type Listener = (event: never) => void;

/** The server's end of one connection; what it does is what a test says. */
export class ScriptedConnection {
  readonly url: URL;
  readonly protocols: readonly string[];
  /** Everything that the client has sent. */
  readonly received: Frame[] = [];
  /** Called with each frame as the client sends it. */
  onFrame: (frame: Frame) => void = () => {};
  /** With what code the client closed it. */
  closedByClient: number | undefined;
  readonly #listeners = new Map<string, Listener[]>();
  #isOpen = true;

  constructor(url: string, protocols: readonly string[]) {
    this.url = new URL(url);
    this.protocols = protocols;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The client's end. */
  get socket(): WebSocketLike {
    return {
      protocol: "pushcast.v1.json",
      binaryType: "blob",
      send: (data) => {
        if (!this.#isOpen) return;
        const frame = JSON.parse(String(data)) as Frame;
        this.received.push(frame);
        this.onFrame(frame);
      },
      close: (code = 1005) => {
        if (this.#isOpen) this.closedByClient = code;
        this.#isOpen = false;
      },
      addEventListener: (type: string, listener: Listener) => {
        this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
      },
    };
  }

  send(frame: Frame): void {
    this.sendRaw(JSON.stringify(frame));
  }

  sendRaw(data: unknown): void {
    if (this.#isOpen) this.#emit("message", { data });
  }

  close(code: number, reason = ""): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#emit("close", { code, reason });
  }

  /** Without a close frame. */
  drop(): void {
    this.close(1006);
  }

  /** The last frame of this type that the client has sent; for a room, if one is named. */
  last(type: string, room?: string): Frame {
    const frame = this.received.findLast(
      (one) => one.type === type && (room === undefined || one.room === room),
    );
    if (frame === undefined) throw new Error(`the client has sent no ${type} ${room ?? ""}`);
    return frame;
  }

  #emit(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }
}

/** Takes connections in memory. */
export class ScriptedServer {
  /** All that were ever opened. */
  readonly connections: ScriptedConnection[] = [];
  /** Called with each as it is opened. */
  onConnection: (connection: ScriptedConnection) => void = () => {};
  readonly WebSocket: WebSocketConstructor;

  constructor() {
    const open = (url: string, protocols: string[]) => {
      const connection = new ScriptedConnection(url, protocols);
      this.connections.push(connection);
      this.onConnection(connection);
      return connection.socket;
    };
    this.WebSocket = class {
      constructor(url: string, protocols: string[]) {
        // biome-ignore lint/correctness/noConstructorReturn: what `new WebSocket` gives is the socket
        return open(url, protocols);
      }
    } as WebSocketConstructor;
  }
}

/** Lets promises that are settled run their reactions. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
