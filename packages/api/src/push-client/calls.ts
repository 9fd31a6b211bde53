import { type Client, Metadata, type MethodDefinition, type ServiceError } from "@grpc/grpc-js";
import { Channels } from "./channels.ts";
import { checkNumbers } from "./check-numbers.ts";
import type { CallOptions, PushClientOptions } from "./options.ts";
import { PushError } from "./push-error.ts";
import { Backoff, inTime, mayBeRetried, TooLate, wait } from "./retries.ts";
import { injectTrace } from "./trace-context.ts";

const DEADLINE_MS = 10_000;
const ATTEMPT_MS = 3_000;
const MAX_ATTEMPTS = 20;
const BACKOFF = { minMs: 50, maxMs: 1_000 };
/** 24 days. Timers of Node that are set for longer end at once; gRPC says no time above 100 million hours. */
const MAX_MS = 2 ** 31 - 1;

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
    const { deadlineMs, attemptMs, maxAttempts, keepaliveMs, backoff = BACKOFF } = options;
    checkNumbers({ deadlineMs, attemptMs, maxAttempts, keepaliveMs });
    checkNumbers({ "backoff.minMs": backoff.minMs, "backoff.maxMs": backoff.maxMs });
    this.channels = new Channels(options);
    this.#token = options.token;
    this.#deadlineMs = deadlineMs ?? DEADLINE_MS;
    this.attemptMs = Math.min(MAX_MS, attemptMs ?? ATTEMPT_MS);
    this.#maxAttempts = maxAttempts ?? MAX_ATTEMPTS;
    this.#backoff = backoff;
  }

  newBackoff(): Backoff {
    return new Backoff(this.#backoff);
  }

  /** @throws PushError */
  deadlineMsOf({ deadlineMs = this.#deadlineMs }: CallOptions): number {
    checkNumbers({ deadlineMs });
    return deadlineMs;
  }

  /** @throws PushError */
  maxAttemptsOf({ maxAttempts = this.#maxAttempts }: CallOptions): number {
    checkNumbers({ maxAttempts });
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
      const attemptEndsAtMs = Math.min(endsAtMs, performance.now() + this.attemptMs);
      const leftMs = () => attemptEndsAtMs - performance.now();
      try {
        const metadata = await this.metadata(leftMs(), signal);
        client = await this.channels.next({ not: client, waitMs: leftMs() / 2, signal });
        const init = { metadata, attemptMs: leftMs(), signal };
        return { response: await attempt(client, method, request, init), attempts };
      } catch (cause) {
        if (signal.aborted) throw abortedByCaller(signal, attempts);
        if (cause instanceof PushError) {
          const isOver = cause.cause instanceof TooLate && attemptEndsAtMs === endsAtMs;
          throw isOver ? deadlineExceeded(cause) : cause;
        }
        const error = PushError.fromServiceError(cause as ServiceError, attempts);
        const delayMs = backoff.nextMs();
        const isLast = attempts >= maxAttempts || performance.now() + delayMs >= endsAtMs;
        if (isLast || !isRetried(error)) throw error;
        await wait(delayMs, signal);
        if (signal.aborted) throw abortedByCaller(signal, attempts);
      }
    }
  }

  /**
   * Of one attempt.
   * @param waitMs for the token, at most
   * @throws PushError if the token cannot be had, or is none
   */
  async metadata(waitMs: number, signal: AbortSignal): Promise<Metadata> {
    const metadata = new Metadata();
    injectTrace(metadata);
    if (this.#token === undefined) return metadata;
    const token =
      typeof this.#token === "string"
        ? this.#token
        : await newToken(this.#token, { waitMs, signal });
    // The library would say so, too, and repeat the token.
    if (!TOKEN.test(token)) throw tokenFailed("the token has characters that no token may have");
    metadata.set("authorization", `Bearer ${token}`);
    return metadata;
  }
}

async function newToken(
  ask: () => string | Promise<string>,
  { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<string> {
  try {
    return await inTime(Promise.resolve(ask()), waitMs, signal);
  } catch (cause) {
    throw tokenFailed("no token could be had", cause);
  }
}

function tokenFailed(message: string, cause?: unknown): PushError {
  return new PushError("UNAUTHENTICATED", "TOKEN_FAILED", message, { cause });
}

function deadlineExceeded(cause: PushError): PushError {
  return new PushError("DEADLINE_EXCEEDED", "", "the call's time was over", { cause });
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
