import type { ClientState } from "./api.ts";
import type { Backoff } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { CLOSED_BY_CLIENT, closeName, type End, reconnectsAfter } from "./close-codes.ts";
import { Connection } from "./connection.ts";
import type { ServerFrame, WelcomeFrame } from "./frames.ts";
import type { Warning } from "./warning.ts";
import type { WebSocketLike } from "./web-socket.ts";

/** How long the old connection is kept while the new one answers. */
const HAND_OVER_TIMEOUT_MS = 10_000;
/** A longer timer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface ConnectorInit {
  readonly clock: Clock;
  readonly backoff: Backoff;
  /** Whether *self* will be resumed on the next connection. */
  readonly resumes: () => boolean;
  readonly openSocket: (resumes: boolean) => Promise<WebSocketLike>;
  readonly onFrame: (connection: Connection, frame: ServerFrame) => void;
  /** A connection has ended, whoever ended it. */
  readonly onGone: (connection: Connection) => void;
  readonly onState: (state: ClientState) => void;
  readonly onWarning: (warning: Warning) => void;
}

/**
 * Keeps one connection open, and two while one takes over from the other. It decides when to
 * connect; what is asked on a connection is its owner's.
 */
export class Connector {
  readonly #init: ConnectorInit;
  /** Not welcomed yet. */
  #candidate: Connection | undefined;
  /** The newest that was welcomed. */
  #main: Connection | undefined;
  /** The one before, until everything is answered on the newest. */
  #retiring: Connection | undefined;
  #welcome: WelcomeFrame | undefined;
  #isSettled = false;
  #state: ClientState = { state: "connecting" };
  #attemptTimer: unknown;
  #handOverTimer: unknown;

  constructor(init: ConnectorInit) {
    this.#init = init;
    this.#candidate = this.#open();
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Where to ask for what is new. */
  get main(): Connection | undefined {
    return this.#main;
  }

  /** Those that were welcomed and are open. */
  get welcomed(): readonly Connection[] {
    return [this.#main, this.#retiring].filter((one) => one !== undefined);
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** The `welcome` came: this is the main connection now. */
  take(connection: Connection, welcome: WelcomeFrame): void {
    const { clock } = this.#init;
    this.#candidate = undefined;
    this.#retiring = this.#main;
    this.#main = connection;
    this.#welcome = welcome;
    this.#isSettled = false;
    if (this.#retiring === undefined) return;
    this.#handOverTimer = clock.setTimeout(() => this.#retire(), HAND_OVER_TIMEOUT_MS);
  }

  /** The main connection has still to answer. */
  resuming(): void {
    if (this.#retiring === undefined) this.#setState({ state: "resuming" });
  }

  /** The main connection has answered everything. */
  settled(): void {
    if (this.#welcome === undefined || this.#isSettled) return;
    this.#isSettled = true;
    this.#init.backoff.succeeded();
    this.#retire();
    const { sessionId, userId, nodeId } = this.#welcome;
    this.#setState({ state: "open", sessionId, userId, nodeId });
  }

  /** The server asks to be left. */
  moveAfter(connection: Connection, afterMs: number): void {
    const isUnderWay = this.#candidate !== undefined || this.#attemptTimer !== undefined;
    if (connection === this.#main && !isUnderWay) this.#attemptAfter(afterMs);
  }

  /** If there is no connection, and none is being opened, opens one now. */
  reconnect(): void {
    if (this.#state.state === "closed") this.#attempt();
  }

  /** Ends everything, until `reconnect`. */
  close(): void {
    this.#shut(CLOSED_BY_CLIENT);
  }

  #open(): Connection {
    const { clock, resumes, openSocket, onFrame, onWarning } = this.#init;
    const isResuming = resumes();
    return new Connection({
      clock,
      resumes: isResuming,
      open: () => openSocket(isResuming),
      onFrame,
      onWarning,
      onEnd: (connection, end) => this.#ended(connection, end),
    });
  }

  #attempt(): void {
    this.#clearAttempt();
    // Never three: what was asked on the main one is asked anew.
    this.#retire();
    this.#candidate = this.#open();
    if (this.#main === undefined) this.#setState({ state: "connecting" });
  }

  #attemptAfter(ms: number): void {
    const { clock } = this.#init;
    clock.clearTimeout(this.#attemptTimer);
    this.#attemptTimer = clock.setTimeout(() => this.#attempt(), Math.min(ms, LONGEST_TIMER_MS));
  }

  #clearAttempt(): void {
    this.#init.clock.clearTimeout(this.#attemptTimer);
    this.#attemptTimer = undefined;
  }

  #ended(connection: Connection, end: End): void {
    if (connection === this.#retiring) {
      this.#retire();
      return;
    }
    if (connection === this.#candidate) {
      this.#candidate = undefined;
    } else {
      this.#main = undefined;
      // What it was asked for listens to the older one no more.
      this.#retire();
    }
    this.#init.onGone(connection);
    if (!reconnectsAfter(end.code)) {
      this.#shut(end);
    } else if (this.#candidate !== undefined) {
      this.#setState({ state: "connecting" });
    } else {
      this.#attemptLater(end);
    }
  }

  #attemptLater({ code, reason }: End): void {
    const retryInMs = this.#init.backoff.failed();
    this.#attemptAfter(retryInMs);
    // While a new connection is tried beside the main one, all is live.
    if (this.#main !== undefined) return;
    this.#setState({
      state: "closed",
      code,
      name: closeName(code),
      reason,
      retry: true,
      retryInMs,
    });
  }

  #retire(): void {
    this.#init.clock.clearTimeout(this.#handOverTimer);
    const retiring = this.#retiring;
    this.#retiring = undefined;
    if (retiring === undefined) return;
    retiring.close();
    this.#init.onGone(retiring);
  }

  #shut({ code, reason }: End): void {
    this.#clearAttempt();
    this.#retire();
    for (const connection of [this.#candidate, this.#main]) {
      if (connection === undefined) continue;
      connection.close();
      this.#init.onGone(connection);
    }
    this.#candidate = undefined;
    this.#main = undefined;
    this.#setState({ state: "closed", code, name: closeName(code), reason, retry: false });
  }

  #setState(state: ClientState): void {
    this.#state = state;
    this.#init.onState(state);
  }
}
