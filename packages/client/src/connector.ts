import type { ClientState } from "./api.ts";
import type { Backoff } from "./backoff.ts";
import { CLOSED_BY_CLIENT, closeName, type End } from "./close-codes.ts";
import { Connection, type ConnectionInit } from "./connection.ts";
import type { WelcomeFrame } from "./frames.ts";
import type { Network } from "./network.ts";
import { Timer } from "./timer.ts";
import type { WebSocketLike } from "./web-socket.ts";

/** How long the old connection is kept while the new one answers. */
const HAND_OVER_TIMEOUT_MS = 10_000;

export interface ConnectorInit
  extends Pick<ConnectionInit, "clock" | "frameBurst" | "frameRate" | "onFrame" | "onWarning"> {
  readonly network: Network;
  readonly backoff: Backoff;
  /** Between attempts while the device has no network. */
  readonly maxDelayMs: number;
  /** Whether *self* will be resumed on the next connection. */
  readonly resumes: () => boolean;
  readonly openSocket: (resumes: boolean) => Promise<() => WebSocketLike>;
  /** Whether there is to be no other connection, and why; undefined if there is. */
  readonly finalEnd: (connection: Connection, end: End) => End | undefined;
  /** A connection has ended, whoever ended it. */
  readonly onGone: (connection: Connection) => void;
  readonly onState: (state: ClientState) => void;
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
  readonly #attemptTimer: Timer;
  readonly #handOverTimer: Timer;
  #unwatchNetwork: (() => void) | undefined;

  constructor(init: ConnectorInit) {
    this.#init = init;
    this.#attemptTimer = new Timer(init.clock);
    this.#handOverTimer = new Timer(init.clock);
    this.#watchNetwork();
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
    this.#candidate = undefined;
    this.#retiring = this.#main;
    this.#main = connection;
    this.#welcome = welcome;
    this.#isSettled = false;
    if (this.#retiring === undefined) return;
    this.#handOverTimer.set(HAND_OVER_TIMEOUT_MS, () => this.#retire());
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
    const isUnderWay = this.#candidate !== undefined || this.#attemptTimer.isSet;
    if (connection === this.#main && !isUnderWay) this.#attemptAfter(afterMs);
  }

  /** If there is no connection, and none is being opened, opens one now. */
  reconnect(): void {
    if (this.#state.state !== "closed") return;
    this.#watchNetwork();
    this.#attempt();
  }

  /** Ends everything, until `reconnect`. */
  close(): void {
    this.#shut(CLOSED_BY_CLIENT);
  }

  #open(): Connection {
    const { resumes, openSocket } = this.#init;
    const isResuming = resumes();
    return new Connection({
      ...this.#init,
      resumes: isResuming,
      open: () => openSocket(isResuming),
      onEnd: (connection, end) => this.#ended(connection, end),
    });
  }

  #attempt(): void {
    this.#attemptTimer.clear();
    // Never three: what was asked on the main one is asked anew.
    this.#retire();
    this.#candidate = this.#open();
    if (this.#main === undefined) this.#setState({ state: "connecting" });
  }

  #attemptAfter(ms: number): void {
    this.#attemptTimer.set(ms, () => this.#attempt());
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
    const final = this.#init.finalEnd(connection, end);
    if (final !== undefined) {
      this.#shut(final);
    } else if (this.#candidate !== undefined) {
      this.#setState({ state: "connecting" });
    } else {
      this.#attemptLater(end);
    }
  }

  #attemptLater(end: End): void {
    const { network, backoff, maxDelayMs } = this.#init;
    // Not never: what a browser says of the network is not always so.
    const retryInMs = network.isOnline ? backoff.failed() : maxDelayMs;
    this.#attemptAfter(retryInMs);
    // While a new connection is tried beside the main one, all is live.
    if (this.#main !== undefined) return;
    this.#setState({ ...closed(end), retry: true, retryInMs });
  }

  #watchNetwork(): void {
    this.#unwatchNetwork ??= this.#init.network.watch(() => this.#networkChanged());
  }

  #networkChanged(): void {
    for (const connection of this.welcomed) connection.check();
    const isWaiting = this.#state.state === "closed";
    if (isWaiting && this.#init.network.isOnline) this.#attempt();
  }

  #retire(): void {
    this.#handOverTimer.clear();
    const retiring = this.#retiring;
    this.#retiring = undefined;
    if (retiring === undefined) return;
    retiring.close();
    this.#init.onGone(retiring);
  }

  #shut(end: End): void {
    this.#attemptTimer.clear();
    this.#unwatchNetwork?.();
    this.#unwatchNetwork = undefined;
    this.#retire();
    for (const connection of [this.#candidate, this.#main]) {
      if (connection === undefined) continue;
      connection.close();
      this.#init.onGone(connection);
    }
    this.#candidate = undefined;
    this.#main = undefined;
    this.#setState({ ...closed(end), retry: false });
  }

  #setState(state: ClientState): void {
    this.#state = state;
    this.#init.onState(state);
  }
}

function closed(end: End) {
  const { code, reason } = end;
  return { state: "closed", code, name: closeName(end), reason } as const;
}
