import type { Client, Gap, Message } from "@pushcast/client";
import type { HistoryEvent, Position, SubscriptionHistory } from "@pushcast/log";
import { WebSocket } from "ws";

/** What is read of the frames of pushcast.v1.json, beside messages. */
interface Frame {
  readonly type: string;
  readonly id?: number;
  readonly room?: string;
  readonly position?: Readonly<Record<string, number>>;
  readonly recovered?: boolean;
}

/** A subscription as its client stands to it. */
interface Recorded {
  readonly events: HistoryEvent[];
  /** The last request for it, until its answer. */
  asked: { readonly socket: object; readonly id: number } | undefined;
  /** The connection that answered last, until it ends or another is asked. */
  heeded: object | undefined;
}

/**
 * Records what one client is told. Answers and positions are read from the wire; messages and gaps
 * are what the client tells its app, so that an error in the client's rule is found as well.
 */
export class Recorder {
  readonly userId: string;
  /** Messages for rooms that it has never asked for, in words. */
  readonly strays: string[] = [];
  readonly #onConnect: (url: string) => void;
  readonly #subscriptions = new Map<string | undefined, Recorded>();
  /** Of rooms that it has left. */
  readonly #left: SubscriptionHistory[] = [];
  readonly #sockets = new Set<WebSocket>();
  /** What came last, beside messages. */
  #frame: Frame = { type: "none" };

  constructor(userId: string, onConnect: (url: string) => void) {
    this.userId = userId;
    this.#onConnect = onConnect;
  }

  /** The `WebSocket` to be handed to the client. */
  get WebSocket() {
    const recorder = this;
    return class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { perMessageDeflate: false });
        // The first to listen: a frame is known here before the client acts on it.
        this.addEventListener("open", () => recorder.#opened(this));
        this.addEventListener("message", ({ data }) => recorder.#received(this, String(data)));
        this.addEventListener("close", () => recorder.#closed(this));
      }

      override send(data: string): void {
        recorder.#sent(this, JSON.parse(data));
        super.send(data);
      }

      override close(code?: number, reason?: string): void {
        // What is still on its way is nothing to the client any more.
        recorder.#endAllOn(this);
        super.close(code, reason);
      }
    };
  }

  /** Records *self* and these rooms, which it joins. */
  listen(client: Client, rooms: readonly string[]): void {
    client.self.on("message", (message) => this.#message(undefined, message));
    client.self.on("gap", (gap) => this.#gap(undefined, gap));
    for (const name of rooms) this.join(client, name);
  }

  /** Records this room, too, which it joins. */
  join(client: Client, name: string): void {
    const room = client.room(name);
    room.on("message", (message) => this.#message(name, message));
    room.on("gap", (gap) => this.#gap(name, gap));
  }

  /** It has left the room, or is gone: what comes from now on was never due. */
  left(room: string | undefined): void {
    const recorded = this.#subscriptions.get(room);
    if (recorded === undefined) return;
    this.#subscriptions.delete(room);
    const events: HistoryEvent[] = [...recorded.events, { kind: "left" }];
    this.#left.push({ userId: this.userId, room, events });
  }

  /** Like `left`, of *self* and every room. */
  leftAll(): void {
    for (const room of [...this.#subscriptions.keys()]) this.left(room);
  }

  /** Stops reading from its connections of now. @returns reads again */
  stall(): () => void {
    const stalled = [...this.#sockets].filter(({ readyState }) => readyState === WebSocket.OPEN);
    for (const socket of stalled) socket.pause();
    return () => {
      for (const socket of stalled) socket.resume();
    };
  }

  /** Ends its connections without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  histories(): SubscriptionHistory[] {
    const ofNow = Array.from(this.#subscriptions, ([room, { events }]) => ({
      userId: this.userId,
      room,
      events,
    }));
    return [...this.#left, ...ofNow];
  }

  #of(room: string | undefined): Recorded {
    let recorded = this.#subscriptions.get(room);
    if (recorded === undefined) {
      recorded = { events: [], asked: undefined, heeded: undefined };
      this.#subscriptions.set(room, recorded);
    }
    return recorded;
  }

  #sent(socket: object, { type, id, room }: Frame): void {
    if ((type !== "join" && type !== "resume") || id === undefined) return;
    const recorded = this.#of(room);
    this.#end(recorded);
    recorded.asked = { socket, id };
  }

  #received(socket: WebSocket, text: string): void {
    const frame: Frame = JSON.parse(text);
    if (frame.type === "message") {
      // The client ignores it, and so tells its app nothing.
      if (!this.#subscriptions.has(frame.room)) {
        this.strays.push(`${this.userId}: misdirected: it never asked for ${frame.room}`);
      }
      return;
    }
    this.#frame = frame;
    switch (frame.type) {
      case "welcome":
        if (!new URL(socket.url).searchParams.has("resume")) {
          this.#answered(this.#of(undefined), socket, frame);
        }
        break;
      case "joined":
      case "resumed": {
        const recorded = this.#of(frame.room);
        if (recorded.asked?.socket === socket && recorded.asked.id === frame.id) {
          this.#answered(recorded, socket, frame);
        }
        break;
      }
      case "position":
        for (const { heeded, events } of this.#subscriptions.values()) {
          if (heeded === socket) events.push({ kind: "position", position: positionOf(frame) });
        }
        break;
    }
  }

  #answered(recorded: Recorded, socket: object, frame: Frame): void {
    recorded.asked = undefined;
    recorded.heeded = socket;
    const position = positionOf(frame);
    if (frame.recovered === undefined) recorded.events.push({ kind: "began", position });
    // That it was not recovered is for the client to say.
    if (frame.recovered) recorded.events.push({ kind: "answered", position, recovered: true });
  }

  #opened(socket: WebSocket): void {
    this.#sockets.add(socket);
    this.#onConnect(socket.url);
  }

  #closed(socket: WebSocket): void {
    this.#sockets.delete(socket);
    this.#endAllOn(socket);
  }

  #endAllOn(socket: object): void {
    for (const recorded of this.#subscriptions.values()) {
      if (recorded.heeded === socket) this.#end(recorded);
      if (recorded.asked?.socket === socket) recorded.asked = undefined;
    }
  }

  #end(recorded: Recorded): void {
    if (recorded.heeded === undefined) return;
    recorded.heeded = undefined;
    recorded.events.push({ kind: "ended" });
  }

  #message(room: string | undefined, { id, kind, content }: Message): void {
    const [epoch = "", seq] = id.split("-");
    const push = kind === "text" ? Number.parseInt(content, 10) : Number.NaN;
    this.#of(room).events.push({ kind: "message", epoch, seq: Number(seq), push });
  }

  #gap(room: string | undefined, { reason }: Gap): void {
    const position = positionOf(this.#frame);
    this.#of(room).events.push(
      reason === "lost"
        ? { kind: "gap", position }
        : { kind: "answered", position, recovered: false },
    );
  }
}

function positionOf({ position = {} }: Frame): Position {
  return new Map(Object.entries(position));
}
