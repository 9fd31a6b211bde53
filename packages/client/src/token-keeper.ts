import type { Backoff } from "./backoff.ts";
import { type Clock, elapsedMs, moment } from "./clock.ts";
import type { End } from "./close-codes.ts";
import { readTimes } from "./json-web-token.ts";
import type { ConnectOptions } from "./options.ts";
import { Timer } from "./timer.ts";
import type { Warning } from "./warning.ts";

/** A connection that lived as long had a token that was good when it began. */
const GOOD_FOR_MS = 30_000;
/** A token is renewed so long before it expires, or a fifth of its life if that is less. */
const LEAD_MS = 60_000;

export interface TokenKeeperInit extends Pick<ConnectOptions, "token"> {
  readonly clock: Clock;
  readonly random: () => number;
  /** Between attempts to renew a token. */
  readonly backoff: Backoff;
  /** Sends a `token` frame on the main connection. */
  readonly send: (token: string) => void;
  readonly onWarning: (warning: Warning) => void;
}

/** Thrown where the app has no token but the one that the server has refused. */
export class SameTokenAgain extends Error {
  readonly end: End = {
    code: 4401,
    name: "TOKEN_REFUSED",
    reason: "the token function gave the token that the server has refused",
  };
}

/** Has a token for each connection, and sends a new one before it expires. */
export class TokenKeeper {
  readonly #init: TokenKeeperInit;
  /** That with which a connection was opened last. */
  #given: string | undefined;
  /** That of the main connection. */
  #inUse: string | undefined;
  /** Sent, and not answered yet. */
  #sent: string | undefined;
  /** The last of a connection that ended with 4401. */
  #refused: string | undefined;
  #refusals = 0;
  readonly #timer: Timer;
  /** Raised when what is under way is not wanted any more. */
  #round = 0;

  constructor(init: TokenKeeperInit) {
    this.#init = init;
    this.#timer = new Timer(init.clock);
  }

  /** A `token` frame was sent, and the server has not answered. */
  get isAwaiting(): boolean {
    return this.#sent !== undefined;
  }

  /**
   * A token for a new connection.
   * @throws {SameTokenAgain}
   */
  async next(): Promise<string | undefined> {
    const token = await this.#ask();
    if (token !== undefined && token === this.#refused) throw new SameTokenAgain();
    return token;
  }

  /** A connection is opened with this token, that `next` gave. */
  opens(token: string | undefined): void {
    this.#given = token;
  }

  /** The connection with the last token is the main one now. */
  begin(): void {
    this.stop();
    this.#inUse = this.#given;
    this.#renewBefore();
  }

  /** The server has taken the token that was sent. */
  accepted(expiresAt: number): void {
    const sent = this.#sent;
    if (sent === undefined) return;
    this.stop();
    this.#inUse = sent;
    this.#init.backoff.succeeded();
    this.#renewBefore(expiresAt);
  }

  /** The server has not taken the token that was sent; the session goes on. */
  notAccepted(code: string): void {
    this.#sent = undefined;
    // It takes no tokens at all.
    if (code !== "BAD_REQUEST") this.#renewLater();
  }

  /**
   * A connection ended with 4401.
   * @param livedMs since its `welcome`
   * @returns why there is to be no other; undefined if a new token may help
   */
  expired(end: End, livedMs: number): End | undefined {
    this.stop();
    if (typeof this.#init.token !== "function") return end;
    this.#refused = this.#inUse ?? this.#given;
    this.#refusals = livedMs >= GOOD_FOR_MS ? 1 : this.#refusals + 1;
    return this.#refusals < 2 ? undefined : { ...end, name: "TOKEN_REFUSED" };
  }

  /** The app wants another try, whatever was refused. */
  forgive(): void {
    this.#refused = undefined;
    this.#refusals = 0;
  }

  /** There is no main connection, or another one soon. */
  stop(): void {
    this.#round += 1;
    this.#sent = undefined;
    this.#timer.clear();
  }

  async #ask(): Promise<string | undefined> {
    const { token } = this.#init;
    return typeof token === "function" ? await token() : token;
  }

  /** @param expiresAt as the server says it. @default what the token says */
  #renewBefore(expiresAt?: number): void {
    if (typeof this.#init.token !== "function" || this.#inUse === undefined) return;
    const { issuedAt, expiresAt: says } = readTimes(this.#inUse);
    const end = expiresAt ?? says;
    if (end === undefined) return;
    const { clock, random } = this.#init;
    const lifeMs = issuedAt === undefined ? undefined : end - issuedAt;
    const byClockMs = end - clock.now();
    const isPossible = byClockMs > 0 && byClockMs <= (lifeMs ?? Number.POSITIVE_INFINITY);
    // The server has just taken the token: if it cannot be so, the device's clock is wrong.
    const leftMs = isPossible ? byClockMs : (lifeMs ?? LEAD_MS);
    // Random, so that clients that connected together do not ask for tokens together.
    const leadMs = Math.min(LEAD_MS, leftMs / 5) * (0.5 + random() / 2);
    this.#renewIn(leftMs - leadMs);
  }

  #renewLater(): void {
    this.#renewIn(this.#init.backoff.failed());
  }

  /** A long timer is set in pieces, and time that the device sleeps counts. */
  #renewIn(ms: number): void {
    const { clock } = this.#init;
    const from = moment(clock);
    const wait = () => {
      const leftMs = ms - elapsedMs(from, moment(clock));
      if (leftMs <= 0) this.#renew();
      else this.#timer.set(leftMs, wait);
    };
    wait();
  }

  #renew(): void {
    const round = this.#round;
    this.#ask().then(
      (token) => {
        if (round !== this.#round) return;
        if (token === undefined || token === this.#inUse) {
          this.#renewLater();
          return;
        }
        this.#sent = token;
        this.#init.send(token);
      },
      (cause: unknown) => {
        if (round !== this.#round) return;
        this.#renewLater();
        // Last, as it may throw.
        this.#init.onWarning({ code: "TOKEN_FAILED", message: "no new token", cause });
      },
    );
  }
}
