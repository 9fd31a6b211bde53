import type { Client } from "@grpc/grpc-js";
import type { StreamPush, StreamResult } from "../gen/pushcast/v1/push_manager.ts";
import type { Calls } from "./calls.ts";
import type { ExcludingPushOptions, PushOptions, UserPushOptions } from "./options.ts";
import {
  broadcast,
  type OnePush,
  type PushContent,
  type Pusher,
  pushToRoom,
  pushToUser,
} from "./push.ts";
import { PushError } from "./push-error.ts";
import { type PushResult, toReport } from "./reports.ts";
import { type Backoff, isSentAgain } from "./retries.ts";
import { StreamConnection } from "./stream-connection.ts";
import { activeTraceparent } from "./trace-context.ts";

export interface PushStreamOptions {
  /** Pushes that are sent and not answered yet; what is more waits here. @default 1000 */
  readonly maxInFlight?: number;
  /** Pushes that wait here; what is more is refused, `RESOURCE_EXHAUSTED` and `QUEUE_FULL`. @default 10000 */
  readonly maxQueued?: number;
}

/**
 * Many pushes to one push-manager, in the order in which they are made. When the stream breaks, or its push-manager
 * stops, those that are not answered are sent again with their keys, in the same order, to another.
 */
export interface PushStream extends Pusher {
  /** Resolves when fewer than `maxInFlight` pushes are not answered: await it before each push. */
  ready(): Promise<void>;
  /** Pushes that are not answered yet, those that wait here among them. */
  readonly unanswered: number;
  /** Takes no more pushes, waits for the answers of those that it has, and ends the stream. */
  close(): Promise<void>;
}

const MAX_IN_FLIGHT = 1_000;
const MAX_QUEUED = 10_000;

/** Of one message; a push-manager takes 4 MiB. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Of one push, an upper bound for all but its content and the users that it leaves out. */
const FIXED_BYTES = 1024;
const MAX_USER_ID_BYTES = 256;

const CHECK_MS = 100;

/** A push that is not answered yet. */
interface Unanswered {
  /** In the order in which the pushes were made. */
  readonly number: number;
  readonly push: OnePush;
  /** Of the span in which it was made. */
  readonly traceparent: string | undefined;
  readonly endsAtMs: number;
  readonly maxAttempts: number;
  attempts: number;
  readonly resolve: (result: PushResult) => void;
  readonly reject: (error: PushError) => void;
}

export class GrpcPushStream implements PushStream {
  readonly #calls: Calls;
  readonly #onClosed: () => void;
  readonly #maxInFlight: number;
  readonly #maxQueued: number;
  readonly #backoff: Backoff;
  #queue: Unanswered[] = [];
  /** By request id, in the order in which they were sent. */
  readonly #inFlight = new Map<string, Unanswered>();
  #lastNumber = 0;
  #connection: StreamConnection | undefined;
  /** The one that was used last. */
  #client: Client | undefined;
  #isOpening = false;
  #sendIsScheduled = false;
  #heardAtMs = 0;
  #pause: NodeJS.Timeout | undefined;
  #checks: NodeJS.Timeout | undefined;
  #waitingForRoom: (() => void)[] = [];
  #waitingForEnd: (() => void)[] = [];
  #isClosing = false;
  #isClosed = false;
  /** Aborted when it is closed: nothing is waited for any more. */
  readonly #abandoned = new AbortController();

  constructor(calls: Calls, options: PushStreamOptions, onClosed: () => void) {
    this.#calls = calls;
    this.#onClosed = onClosed;
    this.#maxInFlight = options.maxInFlight ?? MAX_IN_FLIGHT;
    this.#maxQueued = options.maxQueued ?? MAX_QUEUED;
    this.#backoff = calls.newBackoff();
  }

  async pushToRoom(roomId: string, content: PushContent, options: ExcludingPushOptions = {}) {
    return this.#push(pushToRoom(roomId, content, options), options);
  }

  async pushToUser(userId: string, content: PushContent, options: UserPushOptions = {}) {
    return this.#push(pushToUser(userId, content, options), options);
  }

  async broadcast(content: PushContent, options: ExcludingPushOptions = {}) {
    return this.#push(broadcast(content, options), options);
  }

  get unanswered(): number {
    return this.#queue.length + this.#inFlight.size;
  }

  async ready(): Promise<void> {
    while (!this.#hasRoom && !this.#isClosing) {
      await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve));
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#isClosed) return;
    const closed = new Promise<void>((resolve) => this.#waitingForEnd.push(resolve));
    this.#settled();
    await closed;
  }

  get #hasRoom(): boolean {
    return this.unanswered < this.#maxInFlight;
  }

  async #push(push: OnePush, options: PushOptions): Promise<PushResult> {
    const { signal } = options;
    if (signal?.aborted) throw abortedByCaller(signal);
    if (this.#isClosing) throw new PushError("CANCELLED", "STREAM_CLOSED", "the stream was closed");
    if (this.#queue.length >= this.#maxQueued) {
      const message = `${this.#maxQueued} pushes wait already: await ready() before each push`;
      throw new PushError("RESOURCE_EXHAUSTED", "QUEUE_FULL", message);
    }
    let onAbort: (() => void) | undefined;
    try {
      return await new Promise<PushResult>((resolve, reject) => {
        this.#lastNumber += 1;
        const unanswered: Unanswered = {
          number: this.#lastNumber,
          push,
          traceparent: activeTraceparent(),
          endsAtMs: performance.now() + this.#calls.deadlineMsOf(options),
          maxAttempts: this.#calls.maxAttemptsOf(options),
          attempts: 0,
          resolve,
          reject,
        };
        this.#queue.push(unanswered);
        onAbort = () => this.#giveUp([unanswered], () => abortedByCaller(signal));
        signal?.addEventListener("abort", onAbort, { once: true });
        this.#checks ??= setInterval(() => this.#check(), CHECK_MS);
        this.#sendSoon();
      });
    } finally {
      if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
    }
  }

  /** What is pushed in one turn of the event loop goes out together. */
  #sendSoon(): void {
    if (this.#sendIsScheduled) return;
    this.#sendIsScheduled = true;
    setImmediate(() => {
      this.#sendIsScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#queue.length === 0 || this.#pause !== undefined) return;
    if (this.#connection === undefined) {
      void this.#open();
      return;
    }
    while (this.#connection.isWritable) {
      const batch = this.#takeBatch();
      if (batch.length === 0) return;
      if (this.#inFlight.size === 0) this.#heardAtMs = performance.now();
      for (const unanswered of batch) {
        unanswered.attempts += 1;
        this.#inFlight.set(String(unanswered.number), unanswered);
      }
      this.#connection.write(batch.map(toStreamPush));
    }
  }

  #takeBatch(): Unanswered[] {
    const room = Math.min(this.#queue.length, this.#maxInFlight - this.#inFlight.size);
    let count = 0;
    let bytes = 0;
    while (count < room) {
      bytes += maxBytes((this.#queue[count] as Unanswered).push);
      if (count > 0 && bytes > MAX_MESSAGE_BYTES) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #open(): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    try {
      const metadata = await this.#calls.metadata(this.#calls.attemptMs, this.#abandoned.signal);
      const client = await this.#calls.channels.next({
        not: this.#client,
        waitMs: this.#calls.attemptMs,
        signal: this.#abandoned.signal,
      });
      // What it was opened for may have failed meanwhile.
      if (this.#isClosed) return;
      const connection: StreamConnection = new StreamConnection({
        client,
        metadata,
        onResults: (results) => this.#answered(results),
        onDrain: () => this.#sendSoon(),
        onEnd: (error) => this.#ended(connection, error),
      });
      this.#client = client;
      this.#connection = connection;
    } catch (error) {
      for (const unanswered of this.#queue.splice(0)) unanswered.reject(error as PushError);
      this.#settled();
    } finally {
      this.#isOpening = false;
    }
    this.#sendSoon();
  }

  #answered(results: readonly StreamResult[]): void {
    this.#heardAtMs = performance.now();
    for (const { requestId, messageId, report, code, error } of results) {
      const unanswered = this.#inFlight.get(requestId);
      // Its caller did not wait for it.
      if (unanswered === undefined) continue;
      this.#inFlight.delete(requestId);
      const { attempts, push } = unanswered;
      if (code === 0) {
        this.#backoff.reset();
        const { idempotencyKey } = push.value;
        unanswered.resolve({ messageId, report: toReport(report), idempotencyKey, attempts });
      } else {
        this.#failed([unanswered], PushError.fromResult(code, error, attempts));
      }
    }
    this.#settled();
    this.#sendSoon();
  }

  #ended(connection: StreamConnection, error: PushError): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    const unanswered = [...this.#inFlight.values()];
    this.#inFlight.clear();
    this.#failed(unanswered, error);
    this.#sendLater();
    this.#settled();
  }

  /** An attempt at these has failed: they are sent again in their order, after a pause, or have failed for good. */
  #failed(failed: readonly Unanswered[], error: PushError): void {
    let isAnySentAgain = false;
    for (const unanswered of failed) {
      const { push, attempts, maxAttempts } = unanswered;
      if (attempts < maxAttempts && isSentAgain(push, error)) {
        this.#queue.push(unanswered);
        isAnySentAgain = true;
      } else {
        unanswered.reject(error.afterAttempts(attempts));
      }
    }
    if (!isAnySentAgain) return;
    this.#queue.sort((a, b) => a.number - b.number);
    this.#sendLater();
  }

  #sendLater(): void {
    if (this.#isClosed) return;
    this.#pause ??= setTimeout(() => {
      this.#pause = undefined;
      this.#send();
    }, this.#backoff.nextMs());
  }

  #check(): void {
    const nowMs = performance.now();
    const isLate = ({ endsAtMs }: Unanswered) => endsAtMs <= nowMs;
    const late = [...this.#inFlight.values(), ...this.#queue].filter(isLate);
    this.#giveUp(late, ({ attempts }) => {
      return new PushError("DEADLINE_EXCEEDED", "", "not answered in time", { attempts });
    });
    if (this.#inFlight.size > 0 && nowMs - this.#heardAtMs > this.#calls.attemptMs) {
      this.#connection?.cut(
        new PushError("DEADLINE_EXCEEDED", "", "the push-manager answers no push of the stream"),
      );
    }
  }

  #giveUp(given: readonly Unanswered[], why: (unanswered: Unanswered) => PushError): void {
    if (given.length === 0) return;
    const isGiven = new Set(given);
    this.#queue = this.#queue.filter((unanswered) => !isGiven.has(unanswered));
    for (const unanswered of given) {
      this.#inFlight.delete(String(unanswered.number));
      unanswered.reject(why(unanswered));
    }
    this.#settled();
    this.#sendSoon();
  }

  /** Something was answered, or has failed for good. */
  #settled(): void {
    if (this.#hasRoom) {
      for (const resolve of this.#waitingForRoom.splice(0)) resolve();
    }
    if (this.unanswered > 0) return;
    clearInterval(this.#checks);
    this.#checks = undefined;
    if (this.#isClosing && !this.#isClosed) this.#end();
  }

  #end(): void {
    this.#isClosed = true;
    clearTimeout(this.#pause);
    this.#abandoned.abort();
    this.#connection?.end();
    this.#onClosed();
    for (const resolve of this.#waitingForEnd.splice(0)) resolve();
  }
}

function toStreamPush({ number, push, traceparent }: Unanswered): StreamPush {
  return { requestId: String(number), push, traceparent };
}

function maxBytes({ value }: OnePush): number {
  const excluded = "excludeUserIds" in value ? value.excludeUserIds.length : 0;
  return FIXED_BYTES + value.content.byteLength + excluded * MAX_USER_ID_BYTES;
}

function abortedByCaller(signal: AbortSignal | undefined): PushError {
  const cause: unknown = signal?.reason;
  return new PushError("CANCELLED", "ABORTED_BY_CALLER", "the push was aborted", { cause });
}
