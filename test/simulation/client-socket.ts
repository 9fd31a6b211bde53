import { OPCODE } from "@pushcast/wire";
import type { WebSocketLike } from "../../packages/client/src/web-socket.ts";
import type { SessionSocket } from "../../services/connect-node/src/session.ts";
import { wholeFrames } from "../../services/connect-node/test/fake-socket.ts";
import type { Cluster } from "./cluster.ts";
import type { Socket } from "./network.ts";
import type { Hello } from "./node.ts";

/** Bytes that the kernels at both ends hold; what is written beyond is queued in the node. */
const KERNEL_BYTES = 2_000;

/** A client's connection as its node sees it. */
export class NodeSideSocket implements SessionSocket {
  readonly #socket: Socket;
  #wasQueued = false;
  onClosed = () => {};
  onDrained = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get queuedBytes(): number {
    return Math.max(0, this.#socket.unreadBytes - KERNEL_BYTES);
  }

  write(frames: Buffer): void {
    this.#socket.send(frames, frames.byteLength);
    if (this.queuedBytes > 0) this.#wasQueued = true;
  }

  setReading(reading: boolean): void {
    this.#socket.setReading(reading);
  }

  close(code: number, reason: string): void {
    this.#socket.close({ code, reason });
    this.onClosed();
  }

  /** The client has read something. */
  wasRead(): void {
    if (!this.#wasQueued || this.queuedBytes > 0) return;
    this.#wasQueued = false;
    this.onDrained();
  }
}

/** A JSON frame of the server. */
export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

/** Sees what goes over one connection of a client, before the client does. */
export interface Tap {
  sent(frame: Frame): void;
  received(frame: Frame): void;
}

type Listener = (event: never) => void;

/** A client's connection as the client sees it. */
export class ClientSideSocket implements WebSocketLike {
  readonly protocol = "pushcast.v1.json";
  binaryType = "blob";
  readonly #listeners = new Map<string, Listener[]>();
  readonly #tap: Tap;
  readonly #socket: Socket | undefined;
  #isOpen = true;

  /** @param address undefined: there is no node to connect to */
  constructor(
    cluster: Cluster,
    init: { from: string; address: string | undefined; url: URL; tap: Tap },
  ) {
    this.#tap = init.tap;
    const ended = (reason: unknown) => {
      const { code } = isClose(reason) ? reason : { code: 1006 };
      this.#isOpen = false;
      this.#emit("close", { code, reason: "" });
    };
    if (init.address === undefined) {
      cluster.loop.clock.setTimeout(() => this.#isOpen && ended("no node"), 1);
      return;
    }
    const hello: Hello = {
      kind: "websocket",
      userId: init.url.searchParams.get("user_id") ?? "",
      resumes: init.url.searchParams.has("resume"),
    };
    this.#socket = cluster.network.connect(init.from, init.address, hello, {
      onMessage: (message) => this.#receive(message as Buffer),
      onEnd: ended,
    });
  }

  send(data: string): void {
    this.#tap.sent(JSON.parse(data) as Frame);
    this.#socket?.send(data);
  }

  close(): void {
    this.#isOpen = false;
    this.#socket?.close({ code: 1000 });
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  #receive(bytes: Buffer): void {
    for (const { opcode, payload } of wholeFrames(bytes)) {
      if (!this.#isOpen) return;
      if (opcode === OPCODE.ping) {
        this.#socket?.send("pong");
        continue;
      }
      const data = payload.toString();
      this.#tap.received(JSON.parse(data) as Frame);
      this.#emit("message", { data });
    }
  }

  #emit(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }
}

function isClose(reason: unknown): reason is { code: number } {
  return typeof reason === "object" && reason !== null && "code" in reason;
}
