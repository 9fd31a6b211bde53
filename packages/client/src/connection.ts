import { elapsedMs, type Moment, moment } from "./clock.ts";
import { CLOSED_BY_CLIENT, type End, lost } from "./close-codes.ts";
import { decode, encode } from "./codec.ts";
import type { ClientFrame, ServerFrame, WelcomeFrame } from "./frames.ts";
import { Outbox, type OutboxInit } from "./outbox.ts";
import type { PositionRecord } from "./position.ts";
import { SilenceWatch } from "./silence-watch.ts";
import type { Source } from "./subscription.ts";
import { Timer } from "./timer.ts";
import { SameTokenAgain } from "./token-keeper.ts";
import type { Warning } from "./warning.ts";
import type { WebSocketLike } from "./web-socket.ts";

/** How long a connection may take from the first step to its `welcome`. */
const WELCOME_TIMEOUT_MS = 10_000;
/** Added to two heartbeats, for the network. */
const SILENCE_MARGIN_MS = 5_000;

export interface ConnectionInit extends Omit<OutboxInit, "send"> {
  /** *self* will be resumed on it. */
  readonly resumes: boolean;
  /** Gets ready, may fail, and takes its time. What it gives makes the socket if that is still wanted. */
  readonly open: () => Promise<() => WebSocketLike>;
  readonly onFrame: (connection: Connection, frame: ServerFrame) => void;
  /** Not said after `close`. */
  readonly onEnd: (connection: Connection, end: End) => void;
  readonly onWarning: (warning: Warning) => void;
}

/** One WebSocket connection, from the wish for it to its end. */
export class Connection implements Source {
  readonly resumes: boolean;
  /** Rooms whose `leave` was sent and not answered, by the request's id. */
  readonly leaving = new Map<number, string>();
  readonly #init: ConnectionInit;
  #socket: WebSocketLike | undefined;
  #isOpen = true;
  readonly #outbox: Outbox;
  readonly #begunAt: Moment;
  #welcomedAt: Moment | undefined;
  readonly #welcomeTimer: Timer;
  #welcomePosition: PositionRecord = {};
  #silence: SilenceWatch | undefined;

  constructor(init: ConnectionInit) {
    this.#init = init;
    this.resumes = init.resumes;
    this.#begunAt = moment(init.clock);
    this.#outbox = new Outbox({ ...init, send: (frame) => this.send(frame) });
    this.#welcomeTimer = new Timer(init.clock);
    this.#welcomeTimer.set(WELCOME_TIMEOUT_MS, () => this.#end(lost("no welcome in time")));
    // Later: the app's functions may close the client, whose owner does not know this connection yet.
    Promise.resolve()
      .then(init.open)
      .then((makeSocket) => {
        if (this.#isOpen) this.#use(makeSocket());
      })
      .catch((cause: unknown) => this.#failed(cause));
  }

  /** Until it has ended or been closed. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Where *self* begins on it. */
  get welcomePosition(): PositionRecord {
    return this.#welcomePosition;
  }

  get lastFrameAt(): Moment {
    return this.#silence?.lastFrameAt ?? this.#begunAt;
  }

  isInDoubt(now: Moment): boolean {
    return this.#silence?.isInDoubt(now) === true;
  }

  /** Since its `welcome`. */
  get livedMs(): number {
    if (this.#welcomedAt === undefined) return 0;
    return elapsedMs(this.#welcomedAt, moment(this.#init.clock));
  }

  /** Whether frames wait for their turn. */
  get isQueueing(): boolean {
    return !this.#outbox.isEmpty;
  }

  /** Sends at once. Only after its `welcome`. */
  send(frame: ClientFrame): void {
    if (!this.#isOpen || this.#socket === undefined) return;
    this.#socket.send(encode(frame, this.#socket.protocol));
  }

  /**
   * Sends when the server's limit of frames lets it. Only after its `welcome`.
   * @param make called then; gives nothing if there is nothing to send any more
   */
  queue(make: () => ClientFrame | undefined): void {
    if (this.#isOpen) this.#outbox.put(make);
  }

  /** Asks the server whether it is still there. */
  check(): void {
    this.#silence?.check();
  }

  /** Ends it as the client wishes. */
  close(): void {
    if (!this.#isOpen) return;
    this.#stop();
    this.#socket?.close(CLOSED_BY_CLIENT.code);
  }

  #use(socket: WebSocketLike): void {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", ({ code, reason }) => this.#end({ code, reason }));
    // A close follows each error and says all that can be known of it.
    socket.addEventListener("error", () => {});
  }

  #failed(cause: unknown): void {
    if (cause instanceof SameTokenAgain) this.#end(cause.end);
    if (!this.#isOpen) return;
    const message = "could not connect";
    this.#end(lost(message));
    // Last, as it may throw.
    this.#init.onWarning({ code: "CONNECT_FAILED", message, cause });
  }

  #receive(data: unknown): void {
    if (!this.#isOpen) return;
    const frame = this.#decode(data);
    this.#silence?.heard(frame?.type === "pong");
    if (frame === undefined) return;
    if (frame.type === "welcome") {
      if (this.#silence !== undefined) return;
      this.#welcomed(frame);
    }
    this.#init.onFrame(this, frame);
  }

  #decode(data: unknown): ServerFrame | undefined {
    try {
      return decode(data);
    } catch (cause) {
      const message = `ignored what is no frame: ${(cause as Error).message}`;
      this.#init.onWarning({ code: "FRAME_MALFORMED", message, cause });
      return undefined;
    }
  }

  #welcomed({ position, heartbeatMs }: WelcomeFrame): void {
    const { clock } = this.#init;
    this.#welcomePosition = position;
    this.#welcomedAt = moment(clock);
    this.#welcomeTimer.clear();
    this.#silence = new SilenceWatch({
      clock,
      since: this.#begunAt,
      quietMs: 2 * heartbeatMs + SILENCE_MARGIN_MS,
      ping: () => this.send({ type: "ping" }),
      onDead: () => this.#end(lost("no answer to a ping")),
    });
  }

  #end(end: End): void {
    if (!this.#isOpen) return;
    this.#stop();
    // It may be dead without knowing.
    this.#socket?.close();
    this.#init.onEnd(this, end);
  }

  #stop(): void {
    this.#isOpen = false;
    this.#welcomeTimer.clear();
    this.#silence?.stop();
    this.#outbox.stop();
  }
}
