import type { EventLoop } from "./event-loop.ts";

/** One end of a connection between two processes, as that process sees it. */
export interface Socket {
  /** Bytes that were sent and have not arrived. */
  readonly unreadBytes: number;
  send(message: unknown, bytes?: number): void;
  /** Ends it from this side, after what was sent. This side hears nothing more. */
  close(reason?: unknown): void;
  /** What arrives is kept back until it is read again. */
  setReading(reading: boolean): void;
}

export interface SocketEvents {
  onMessage(message: unknown): void;
  /** Something that this side sent has been read. */
  onRead?(): void;
  /** The other side, or the network, has ended it. Nothing follows. */
  onEnd(reason: unknown): void;
}

type Accept = (socket: Socket, hello: unknown, from: string) => SocketEvents;

/** One direction of a connection: messages arrive in order, each after some time. */
class Pipe {
  readonly #loop: EventLoop;
  readonly #latencyMs: () => number;
  readonly #onArrival: (item: Item) => void;
  #items: (Item & { dueMs: number })[] = [];
  #lastDueMs = 0;
  #timer: unknown;
  readonly #holds = new Set<string>();
  #isClosed = false;
  unreadBytes = 0;

  constructor(loop: EventLoop, latencyMs: () => number, onArrival: (item: Item) => void) {
    this.#loop = loop;
    this.#latencyMs = latencyMs;
    this.#onArrival = onArrival;
  }

  put(item: Item): void {
    if (this.#isClosed) return;
    if (item.kind === "end") this.#isClosed = true;
    const dueMs = Math.max(this.#lastDueMs, this.#loop.clock.monotonicMs() + this.#latencyMs());
    this.#lastDueMs = dueMs;
    this.#items.push({ ...item, dueMs });
    this.unreadBytes += item.bytes;
    this.#wait();
  }

  /** Loses what is on the way. */
  lose(): void {
    this.#items = [];
    this.unreadBytes = 0;
    this.#isClosed = false;
  }

  drop(): void {
    this.lose();
    this.#isClosed = true;
    this.#loop.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  hold(why: string, held: boolean): void {
    if (held) this.#holds.add(why);
    else this.#holds.delete(why);
    this.#wait();
  }

  #wait(): void {
    const [next] = this.#items;
    if (this.#timer !== undefined || next === undefined || this.#holds.size > 0) return;
    this.#timer = this.#loop.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#arrive();
    }, next.dueMs - this.#loop.clock.monotonicMs());
  }

  #arrive(): void {
    const nowMs = this.#loop.clock.monotonicMs();
    while (this.#holds.size === 0) {
      const [next] = this.#items;
      if (next === undefined || next.dueMs > nowMs) break;
      this.#items.shift();
      this.unreadBytes -= next.bytes;
      this.#onArrival(next);
    }
    this.#wait();
  }
}

type Item =
  | { readonly kind: "message"; readonly message: unknown; readonly bytes: number }
  | { readonly kind: "end"; readonly reason: unknown; readonly bytes: 0 };

interface Line {
  readonly ends: readonly [string, string];
  readonly pipes: readonly [Pipe, Pipe];
  cut(reason: string): void;
}

const STALLED = "stalled";
const FROZEN = "frozen";

/** Connections between processes, in memory. Each direction can be stalled, and each line cut. */
export class Network {
  readonly #loop: EventLoop;
  readonly #latencyMs: () => number;
  readonly #listening = new Map<string, Accept>();
  readonly #lines = new Set<Line>();
  readonly #stalled = new Set<string>();

  constructor(loop: EventLoop, latencyMs: () => number) {
    this.#loop = loop;
    this.#latencyMs = latencyMs;
  }

  listen(process: string, accept: Accept): void {
    this.#listening.set(process, accept);
  }

  /** Opens a connection. What `hello` says arrives first; nobody there: it ends. */
  connect(from: string, to: string, hello: unknown, events: SocketEvents): Socket {
    const near: Side = { events, isOpen: true };
    const far: Side = { events: undefined, isOpen: true };
    const line: Line = {
      ends: [from, to],
      pipes: [this.#pipe(near, far, () => line), this.#pipe(far, near, () => line)],
      cut: (reason) => {
        for (const pipe of line.pipes) pipe.drop();
        this.#lines.delete(line);
        for (const side of [near, far]) end(side, reason);
      },
    };
    const [up, down] = line.pipes;
    this.#lines.add(line);
    if (this.#stalled.has(`${from}>${to}`)) up.hold(STALLED, true);
    if (this.#stalled.has(`${to}>${from}`)) down.hold(STALLED, true);
    const accept = () => {
      const listener = this.#listening.get(to);
      if (listener === undefined) down.put({ kind: "end", reason: "refused", bytes: 0 });
      else far.events = listener(this.#socket(far, down, up), hello, from);
    };
    up.put({ kind: "message", message: accept, bytes: 0 });
    return this.#socket(near, up, down);
  }

  /** Holds back what goes from one to the other, now and on later connections. */
  stall(from: string, to: string, stalled = true): void {
    if (stalled) this.#stalled.add(`${from}>${to}`);
    else this.#stalled.delete(`${from}>${to}`);
    for (const { ends, pipes } of this.#lines) {
      if (ends[0] === from && ends[1] === to) pipes[0].hold(STALLED, stalled);
      if (ends[1] === from && ends[0] === to) pipes[1].hold(STALLED, stalled);
    }
  }

  /** Holds back what goes from one to the other on the connections that are there now. */
  freeze(from: string, to: string): void {
    for (const { ends, pipes } of this.#lines) {
      if (ends[0] === from && ends[1] === to) pipes[0].hold(FROZEN, true);
      if (ends[1] === from && ends[0] === to) pipes[1].hold(FROZEN, true);
    }
  }

  /** Holds back both directions. */
  part(one: string, other: string, parted = true): void {
    this.stall(one, other, parted);
    this.stall(other, one, parted);
  }

  /** Nothing is held back any more. */
  heal(): void {
    this.#stalled.clear();
    for (const { pipes } of this.#lines) {
      for (const pipe of pipes) for (const why of [STALLED, FROZEN]) pipe.hold(why, false);
    }
  }

  /** Breaks the connections between two processes; what is on the way is lost. */
  cut(one: string, other: string): void {
    for (const line of [...this.#lines]) {
      if (line.ends.includes(one) && line.ends.includes(other)) line.cut("connection reset");
    }
  }

  /** A process is dead. The others hear it, unless what comes from there is held back. */
  died(process: string, losesUnread: boolean): void {
    this.#listening.delete(process);
    for (const { ends, pipes } of [...this.#lines]) {
      const [up, down] = pipes;
      for (const [dead, inbound, outbound] of [
        [ends[0], down, up],
        [ends[1], up, down],
      ] as const) {
        if (dead !== process) continue;
        inbound.drop();
        if (losesUnread) outbound.lose();
        outbound.put({ kind: "end", reason: "connection reset", bytes: 0 });
      }
    }
  }

  #pipe(from: Side, to: Side, line: () => Line): Pipe {
    return new Pipe(this.#loop, this.#latencyMs, (item) => {
      if (item.kind === "end") {
        this.#lines.delete(line());
        end(to, item.reason);
      } else if (typeof item.message === "function") {
        item.message();
      } else if (to.isOpen) {
        to.events?.onMessage(item.message);
        if (from.isOpen) from.events?.onRead?.();
      }
    });
  }

  #socket(side: Side, outbound: Pipe, inbound: Pipe): Socket {
    return {
      get unreadBytes() {
        return outbound.unreadBytes;
      },
      send: (message, bytes = 0) => {
        if (side.isOpen) outbound.put({ kind: "message", message, bytes });
      },
      close: (reason) => {
        if (!side.isOpen) return;
        side.isOpen = false;
        inbound.drop();
        outbound.put({ kind: "end", reason, bytes: 0 });
      },
      setReading: (reading) => inbound.hold("not read", !reading),
    };
  }
}

interface Side {
  events: SocketEvents | undefined;
  isOpen: boolean;
}

function end(side: Side, reason: unknown): void {
  if (!side.isOpen) return;
  side.isOpen = false;
  side.events?.onEnd(reason);
}
