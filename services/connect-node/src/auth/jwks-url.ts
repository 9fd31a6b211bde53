import type { Clock, Logger, TimerHandle } from "@pushcast/runtime";
import { errors } from "jose";
import { PUBLIC_KEY_ALGORITHMS, parseJson, readJwks } from "./key-formats.ts";
import { type FindKey, type KeySet, KeysUnavailable, type TokenKeys } from "./token-keys.ts";

export interface JwksUrlInit {
  url: string;
  refreshMs: number;
  /** Time between reads that tokens with unknown keys ask for. */
  cooldownMs: number;
  timeoutMs: number;
  clock: Clock;
  logger: Logger;
  /** It could not be read. */
  onFailure: () => void;
}

const MAX_BYTES = 1024 ** 2;

/**
 * An issuer's JWK set. What was read is used until something else was read, however long the issuer
 * cannot be reached. Beside reading it now and then, a token with a key that is not known makes the node
 * look, once for all that come meanwhile, and not soon again: anybody can make such tokens.
 */
export class JwksUrl implements TokenKeys {
  readonly algorithms = PUBLIC_KEY_ALGORITHMS;
  readonly #init: JwksUrlInit;
  #keys: KeySet | undefined;
  #reading: Promise<void> | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  /** The last read. */
  #hasFailed = false;
  #refreshes: TimerHandle;

  constructor(init: JwksUrlInit) {
    this.#init = init;
  }

  /** Begins to read it now and then. */
  start(): void {
    const { clock, refreshMs } = this.#init;
    // Its outage stops no start: until it was read, handshakes are told to come again.
    void this.#read();
    this.#refreshes = clock.setInterval(() => void this.#read(), refreshMs, { unref: true });
  }

  stop(): void {
    this.#init.clock.clearInterval(this.#refreshes);
  }

  async find(...token: Parameters<FindKey>): ReturnType<FindKey> {
    const known = await findIn(this.#keys, token);
    if (known !== undefined) return known;
    await this.#lookAgain();
    const found = await findIn(this.#keys, token);
    if (found !== undefined) return found;
    // The issuer may have one that is new.
    if (this.#hasFailed) throw new KeysUnavailable(this.#retryAfterSeconds());
    throw new errors.JWKSNoMatchingKey();
  }

  /** Not the same for all that come meanwhile. */
  #retryAfterSeconds(): number {
    return 1 + Math.floor((Math.random() * this.#init.cooldownMs) / 1000);
  }

  async #lookAgain(): Promise<void> {
    const { clock, cooldownMs } = this.#init;
    const isCoolingDown = clock.monotonicMs() - this.#readAtMs < cooldownMs;
    await (this.#reading ?? (isCoolingDown ? undefined : this.#read()));
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
      this.#readAtMs = this.#init.clock.monotonicMs();
    });
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    const { logger, onFailure } = this.#init;
    try {
      this.#keys = readJwks(parseJson(await this.#fetch()));
      if (this.#hasFailed) logger.info("JWT_JWKS_URL can be read again");
      this.#hasFailed = false;
    } catch (error) {
      onFailure();
      const { message, cause } = error as Error;
      const problem = cause instanceof Error ? `${message}: ${cause.message}` : message;
      if (!this.#hasFailed) {
        logger.warn({ problem }, "JWT_JWKS_URL cannot be read; the keys that are known stand");
      }
      this.#hasFailed = true;
    }
  }

  async #fetch(): Promise<string> {
    const { url, clock, timeoutMs } = this.#init;
    const abort = new AbortController();
    const timer = clock.setTimeout(() => abort.abort(new Error("no answer in time")), timeoutMs);
    try {
      const headers = { accept: "application/jwk-set+json, application/json" };
      const answer = await fetch(url, { signal: abort.signal, redirect: "error", headers });
      if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
      return await readText(answer);
    } finally {
      clock.clearTimeout(timer);
      abort.abort();
    }
  }
}

/** The key for a token; undefined where the set has none. @throws JOSEError for other reasons */
async function findIn(
  keys: KeySet | undefined,
  token: Parameters<FindKey>,
): Promise<Awaited<ReturnType<FindKey>> | undefined> {
  try {
    return await keys?.find(...token);
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return undefined;
    throw error;
  }
}

async function readText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`answered more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
