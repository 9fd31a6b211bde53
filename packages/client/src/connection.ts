import { type Clock, type Moment, moment } from "./clock.ts";
import { CLOSED_BY_CLIENT, type End, lost } from "./close-codes.ts";
import { decode, encode } from "./codec.ts";
import type { ClientFrame, ServerFrame, WelcomeFrame } from "./frames.ts";
import type { PositionRecord } from "./position.ts";
import { SilenceWatch } from "./silence-watch.ts";
import type { Source } from "./subscription.ts";
import type { Warning } from "./warning.ts";
import type { WebSocketLike } from "./web-socket.ts";

/** How long a connection may take from the first step to its `welcome`. */
const WELCOME_TIMEOUT_MS = 10_000;
/** Added to two heartbeats, for the network. */
const SILENCE_MARGIN_MS = 5_000;

export interface ConnectionInit {
  readonly clock: Clock;
  /** *self* will be resumed on it. */
  readonly resumes: boolean;
  /** Makes the socket; may fail, and take its time. */
  readonly open: () => Promise<WebSocketLike>;
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
  #lastFrameAt: Moment;
  #welcomeTimer: unknown;
  #welcomePosition: PositionRecord = {};
  #silence: SilenceWatch | undefined;

  constructor(init: ConnectionInit) {
    this.#init = init;
    this.resumes = init.resumes;
    this.#lastFrameAt = moment(init.clock);
    this.#welcomeTimer = init.clock.setTimeout(
      () => this.#end(lost("no welcome in time")),
      WELCOME_TIMEOUT_MS,
    );
    init.open().then(
      (socket) => this.#use(socket),
      (cause: unknown) => {
        if (!this.#isOpen) return;
        init.onWarning({ code: "CONNECT_FAILED", message: "could not connect", cause });
        this.#end(lost("could not connect"));
      },
    );
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
    return this.#lastFrameAt;
  }

  /** Only after its `welcome`. */
  send(frame: ClientFrame): void {
    if (this.#isOpen) this.#socket?.send(encode(frame));
  }

  /** Ends it as the client wishes. */
  close(): void {
    if (!this.#isOpen) return;
    this.#stop();
    this.#socket?.close(CLOSED_BY_CLIENT.code);
  }

  #use(socket: WebSocketLike): void {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", ({ code, reason }) => this.#end({ code, reason }));
    // A close follows each error and says all that can be known of it.
    socket.addEventListener("error", () => {});
    if (!this.#isOpen) socket.close(CLOSED_BY_CLIENT.code);
  }

  #receive(data: unknown): void {
    if (!this.#isOpen) return;
    this.#lastFrameAt = moment(this.#init.clock);
    this.#silence?.heard();
    const decoded = decode(data);
    if (decoded.kind === "malformed") {
      this.#init.onWarning({ code: "FRAME_MALFORMED", message: decoded.problem });
      return;
    }
    if (decoded.kind === "other") return;
    const { frame } = decoded;
    if (frame.type === "welcome") {
      if (this.#silence !== undefined) return;
      this.#welcomed(frame);
    }
    this.#init.onFrame(this, frame);
  }

  #welcomed({ position, heartbeatMs }: WelcomeFrame): void {
    const { clock } = this.#init;
    this.#welcomePosition = position;
    clock.clearTimeout(this.#welcomeTimer);
    this.#silence = new SilenceWatch({
      clock,
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
    this.#init.clock.clearTimeout(this.#welcomeTimer);
    this.#silence?.stop();
  }
}
