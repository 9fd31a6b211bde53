import { type Client, Metadata, type MethodDefinition, type ServiceError } from "@grpc/grpc-js";
import { Channels } from "./channels.ts";
import type { CallOptions, PushClientOptions } from "./options.ts";
import { PushError } from "./push-error.ts";
import { Backoff, mayBeRetried, wait } from "./retries.ts";
import { injectTrace } from "./trace-context.ts";

const DEADLINE_MS = 10_000;
const ATTEMPT_MS = 3_000;
const MAX_ATTEMPTS = 20;
const BACKOFF = { minMs: 50, maxMs: 1_000 };

/** Visible ASCII, as in a header's value. */
const TOKEN = /^[\x21-\x7e]+$/;

/** A call's answer. */
export interface Answer<Response> {
  readonly response: Response;
  readonly attempts: number;
}

/** Makes calls, each until it is answered or nothing is left to try. */
export class Calls {
  readonly channels: Channels;
  readonly #token: PushClientOptions["token"];
  readonly #deadlineMs: number;
  readonly attemptMs: number;
  readonly #maxAttempts: number;
  readonly #backoff: { readonly minMs: number; readonly maxMs: number };

  /** @throws PushError for options that cannot be */
  constructor(options: PushClientOptions) {
    this.channels = new Channels(options);
    this.#token = options.token;
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.attemptMs = options.attemptMs ?? ATTEMPT_MS;
    this.#maxAttempts = options.maxAttempts ?? MAX_ATTEMPTS;
    this.#backoff = options.backoff ?? BACKOFF;
  }

  newBackoff(): Backoff {
    return new Backoff(this.#backoff);
  }

  deadlineMsOf({ deadlineMs = this.#deadlineMs }: CallOptions): number {
    return deadlineMs;
  }

  maxAttemptsOf({ maxAttempts = this.#maxAttempts }: CallOptions): number {
    return maxAttempts;
  }

  /**
   * @param isRetried whether an attempt that failed so is followed by another
   * @throws PushError
   */
  async unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: CallOptions,
    isRetried: (error: PushError) => boolean = mayBeRetried,
  ): Promise<Answer<Response>> {
    const endsAtMs = performance.now() + this.deadlineMsOf(options);
    const maxAttempts = this.maxAttemptsOf(options);
    const signal = options.signal ?? new AbortController().signal;
    const backoff = this.newBackoff();
    let client: Client | undefined;
    for (let attempts = 1; ; attempts += 1) {
      client = this.channels.next(client);
      try {
        const metadata = await this.metadata();
        const attemptMs = Math.min(endsAtMs - performance.now(), this.attemptMs);
        const response = await attempt(client, method, request, { metadata, attemptMs, signal });
        return { response, attempts };
      } catch (cause) {
        if (signal.aborted) throw abortedByCaller(signal, attempts);
        if (cause instanceof PushError) throw cause;
        const error = PushError.fromServiceError(cause as ServiceError, attempts);
        const delayMs = backoff.nextMs();
        const isLast = attempts >= maxAttempts || performance.now() + delayMs >= endsAtMs;
        if (isLast || !isRetried(error)) throw error;
        await wait(delayMs, signal);
        if (signal.aborted) throw abortedByCaller(signal, attempts);
      }
    }
  }

  /** Of one attempt. @throws PushError if the token cannot be had, or is none */
  async metadata(): Promise<Metadata> {
    const metadata = new Metadata();
    injectTrace(metadata);
    if (this.#token === undefined) return metadata;
    const token = typeof this.#token === "string" ? this.#token : await this.#newToken(this.#token);
    // The library would say so, too, and repeat the token.
    if (!TOKEN.test(token)) throw tokenFailed("the token has characters that no token may have");
    metadata.set("authorization", `Bearer ${token}`);
    return metadata;
  }

  async #newToken(ask: () => string | Promise<string>): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`it took longer than attemptMs, ${this.attemptMs} ms`);
      timer = setTimeout(() => reject(error), this.attemptMs);
    });
    try {
      return await Promise.race([ask(), late]);
    } catch (cause) {
      throw tokenFailed("no token could be had", cause);
    } finally {
      clearTimeout(timer);
    }
  }
}

function tokenFailed(message: string, cause?: unknown): PushError {
  return new PushError("UNAUTHENTICATED", "TOKEN_FAILED", message, { cause });
}

function abortedByCaller(signal: AbortSignal, attempts: number): PushError {
  return new PushError("CANCELLED", "ABORTED_BY_CALLER", "the call was aborted", {
    attempts,
    cause: signal.reason,
  });
}

function attempt<Request, Response>(
  client: Client,
  method: MethodDefinition<Request, Response>,
  request: Request,
  init: { readonly metadata: Metadata; readonly attemptMs: number; readonly signal: AbortSignal },
): Promise<Response> {
  const { metadata, attemptMs, signal } = init;
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata,
      { deadline: Date.now() + attemptMs },
      (error, response) => {
        signal.removeEventListener("abort", cancel);
        if (error === null && response !== undefined) resolve(response);
        else reject(error);
      },
    );
    const cancel = () => call.cancel();
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
  });
}
