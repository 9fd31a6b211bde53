import type { ConnectOptions } from "../options.ts";
import type { WebSocketConstructor } from "../web-socket.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeConnection } from "./fake-connection.ts";
import { FakeNetwork } from "./fake-network.ts";
import {
  type FakeContent,
  type FakePublication,
  type FakePushOptions,
  type FakeTarget,
  fakePublication,
} from "./fake-publication.ts";
import { type FakeHost, FakeSession } from "./fake-session.ts";

const EPOCH = "fa4e000000000001";
/** More steps than the client takes from one wait to the next. */
const SETTLING_STEPS = 50;

/**
 * Pushcast in memory, for tests of apps: `connect({ ...server.options, userId, onGap })` talks to it, and
 * the test is the biz-server. It opens no port, time passes only by `advance`, and each method resolves
 * when clients have dealt with what it did.
 */
export class FakeServer {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork();
  /** For `connect`: where the server is, and whose time it is. */
  readonly options: Required<
    Pick<ConnectOptions, "url" | "WebSocket" | "clock" | "network" | "random">
  >;
  readonly #host: FakeHost & { head: number; tail: number; log: FakePublication[] };
  readonly #sessions = new Map<FakeConnection, FakeSession>();
  readonly #refused = new Map<string, string>();
  #opened = 0;
  #isReachable = true;
  #takesTokens = true;

  constructor() {
    this.#host = {
      epoch: EPOCH,
      head: 0,
      tail: 0,
      log: [],
      nowMs: () => this.clock.now(),
      refusal: (room) => (isRoomId(room) ? this.#refused.get(room) : "ROOM_INVALID"),
      takesToken: () => this.#takesTokens,
    };
    this.options = {
      url: "ws://fake/ws",
      WebSocket: this.#webSocket(),
      clock: this.clock,
      network: this.network,
      // The shortest of all waits.
      random: () => 0,
    };
  }

  /** Who is connected, and in which rooms. */
  get sessions(): readonly { readonly userId: string; readonly rooms: readonly string[] }[] {
    return Array.from(this.#sessions.values(), ({ userId, rooms }) => ({
      userId,
      rooms: [...rooms],
    }));
  }

  pushToRoom(room: string, content: FakeContent, options?: FakePushOptions): Promise<void> {
    return this.#push({ target: "room", room }, content, options);
  }

  pushToUser(userId: string, content: FakeContent, options?: FakePushOptions): Promise<void> {
    return this.#push({ target: "user", userId }, content, options);
  }

  broadcast(content: FakeContent, options?: FakePushOptions): Promise<void> {
    return this.#push({ target: "all" }, content, options);
  }

  /** Puts a user who is connected into a room. */
  joinRoom(userId: string, room: string): Promise<void> {
    return this.#command(userId, (session) => session.joinByServer(room));
  }

  leaveRoom(userId: string, room: string): Promise<void> {
    return this.#command(userId, (session) => session.leaveByServer(room));
  }

  /** @param code 4401 is an expired token. @default 4410 */
  disconnectUser(userId: string, code = 4410, reason = ""): Promise<void> {
    return this.#command(userId, (session) => session.close(code, reason));
  }

  /** From now on nobody may join the room. @param code of the error. @default "ROOM_FORBIDDEN" */
  refuseRoom(room: string, code = "ROOM_FORBIDDEN"): void {
    this.#refused.set(room, code);
  }

  allowRoom(room: string): void {
    this.#refused.delete(room);
  }

  /** Whether `token` frames are accepted from now on. */
  set takesTokens(takesTokens: boolean) {
    this.#takesTokens = takesTokens;
  }

  /** Ends all connections, with a close code or, by default, without a word. */
  drop(code = 1006, reason = ""): Promise<void> {
    return this.#each((session) => session.close(code, reason));
  }

  /** Can be reached no more: connections drop, and new ones fail. */
  stop(): Promise<void> {
    this.#isReachable = false;
    return this.drop();
  }

  start(): void {
    this.#isReachable = true;
  }

  /** As a node that is drained: clients are told to open another connection after a time. */
  drain(afterMs = 0): Promise<void> {
    const frame = { type: "reconnect", after_ms: afterMs, reason: "drain" };
    return this.#each((session) => session.send(frame));
  }

  /** Says that messages were lost: in one room, or everywhere. */
  gap(room?: string): Promise<void> {
    return this.#each((session) => session.gap(room));
  }

  /** Keeps nothing of what was pushed until now: clients that are away since then have a gap. */
  async forget(): Promise<void> {
    // Also clients that have heard of every push were away while others could have come.
    this.#host.head += 1;
    this.#host.tail = this.#host.head;
    this.#host.log = [];
    await this.#each((session) => session.sayPosition());
  }

  /** Lets time pass: timers of clients fire, each at its time. */
  async advance(ms: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + ms;
    await this.settle();
    for (;;) {
      const leftMs = endMs - this.clock.monotonicMs();
      this.clock.advance(Math.min(leftMs, this.clock.untilNextTimerMs));
      await this.settle();
      if (this.clock.monotonicMs() >= endMs) return;
    }
  }

  /** Resolves when everything that is under way has arrived, but for what the app itself waits for. */
  async settle(): Promise<void> {
    for (let step = 0; step < SETTLING_STEPS; step += 1) await Promise.resolve();
  }

  async #push(to: FakeTarget, content: FakeContent, options: FakePushOptions = {}): Promise<void> {
    // What is under way comes first.
    await this.settle();
    this.#host.head += 1;
    const at = this.clock.now();
    const seq = this.#host.head;
    const publication = fakePublication({ epoch: EPOCH, seq, to, content, at, options });
    if (!publication.ephemeral) this.#host.log.push(publication);
    await this.#each((session) => session.deliver(publication));
  }

  async #command(userId: string, act: (session: FakeSession) => void): Promise<void> {
    await this.#each((session) => session.userId === userId && act(session));
    // It has its place among the pushes.
    this.#host.head += 1;
  }

  async #each(act: (session: FakeSession) => unknown): Promise<void> {
    await this.settle();
    for (const session of [...this.#sessions.values()]) act(session);
    await this.settle();
  }

  #open(url: string, protocols: readonly string[]): FakeConnection {
    const connection = new FakeConnection({
      url,
      protocols,
      onFrame: (from, frame) => this.#sessions.get(from)?.receive(frame),
      onClose: (from) => this.#sessions.delete(from),
    });
    if (this.#isReachable && this.network.isOnline) {
      this.#opened += 1;
      const session = new FakeSession(this.#host, connection, `session-${this.#opened}`);
      this.#sessions.set(connection, session);
    } else {
      connection.close(1006);
    }
    return connection;
  }

  #webSocket(): WebSocketConstructor {
    const open = (url: string, protocols: string[]) => this.#open(url, protocols).socket;
    return class {
      constructor(url: string, protocols: string[]) {
        // biome-ignore lint/correctness/noConstructorReturn: what `new WebSocket` gives is the socket
        return open(url, protocols);
      }
    } as WebSocketConstructor;
  }
}

/** 1 to 256 bytes of UTF-8 without control characters. */
function isRoomId(room: string): boolean {
  return new TextEncoder().encode(room).length <= 256 && /^\P{Cc}+$/u.test(room);
}
