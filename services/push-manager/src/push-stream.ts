import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { PushStreamResponse, StreamPush, StreamResult } from "@pushcast/api";
import { RpcError } from "@pushcast/runtime";
import type { Caller } from "./access/push-access.ts";
import type { FanOut } from "./fan-out.ts";
import { type Publisher, refusalError } from "./publisher.ts";
import { type PushAnswer, streamPush } from "./push.ts";
import type { StreamTracing } from "./push-tracing.ts";
import { StreamPushes } from "./stream-pushes.ts";

export interface PushStreamOptions {
  readonly publisher: Publisher;
  readonly fanOut: FanOut;
  /** Whose stream it is. Each push is judged when it is accepted. */
  readonly caller: Caller;
  /** How long each push waits for nodes; the stream's own deadline does not count. */
  readonly ackTimeoutMs: number;
  /** Pushes that one stream may have unanswered at once. */
  readonly maxInFlight: number;
  /** @default none of its pushes is traced */
  readonly tracing?: StreamTracing | undefined;
}

/** Its requests are encoded. */
type Call = ServerDuplexStream<Buffer, PushStreamResponse>;

const MAX_REQUEST_ID_BYTES = 256;

/** A response with more than one result is no larger; gRPC clients take 4 MiB. */
const MAX_RESPONSE_BYTES = 1024 * 1024;

/** Of a result, or of a failure in it: an upper bound for all that is not text. */
const FIXED_BYTES = 128;
/** UTF-8 takes no more for a character of a string. */
const BYTES_A_CHARACTER = 3;

const PUSH_MISSING = new RpcError(
  status.INVALID_ARGUMENT,
  "PUSH_MISSING",
  "one of push_to_room, push_to_user and broadcast_message must be set",
);

const REQUEST_ID_TOO_LONG = new RpcError(
  status.INVALID_ARGUMENT,
  "REQUEST_ID_TOO_LONG",
  `request_id must be at most ${MAX_REQUEST_ID_BYTES} bytes`,
);

/**
 * One PushStream: reads a message only when all pushes of the one before it are accepted. A message that
 * cannot be read ends it, once what came before is answered.
 */
export class PushStream {
  readonly #call: Call;
  readonly #options: PushStreamOptions;
  /** What is not accepted yet of the message that was read last. */
  #pushes: StreamPushes | undefined;
  /** Why no more is accepted, if a message could not be read. */
  #problem: RpcError | undefined;
  #inFlight = 0;
  #results: StreamResult[] = [];
  #turnIsScheduled = false;
  #writable = true;
  #halfClosed = false;
  #isStopping = false;
  #isOver = false;
  readonly #onOver: () => void;
  readonly #resume = () => this.#endTurnSoon();

  /** @param onOver called once, when the stream has ended in any way */
  constructor(call: Call, options: PushStreamOptions, onOver: () => void) {
    this.#call = call;
    this.#options = options;
    this.#onOver = onOver;
    call.on("data", (message: Buffer) => {
      call.pause();
      this.#pushes = new StreamPushes(message);
      this.#accept();
    });
    call.on("end", () => {
      this.#halfClosed = true;
      this.#endTurnSoon();
    });
    call.on("drain", () => {
      this.#writable = true;
      this.#endTurnSoon();
    });
    call.on("cancelled", () => this.#over());
    call.on("close", () => this.#over());
  }

  /** Accepts no more, answers what is in flight, and ends the stream with UNAVAILABLE. */
  stop(): void {
    this.#isStopping = true;
    this.#call.pause();
    this.#endTurnSoon();
  }

  get #isHeld(): boolean {
    return (
      !this.#writable ||
      this.#inFlight + this.#results.length >= this.#options.maxInFlight ||
      (this.#options.fanOut.isHeld && !this.#isStopping)
    );
  }

  #accept(): void {
    while (this.#pushes !== undefined) {
      if (this.#isHeld) {
        this.#resumeWhenReleased();
        return;
      }
      const item = this.#nextPush(this.#pushes);
      if (item === undefined) this.#pushes = undefined;
      else this.#acceptOne(item);
    }
    if (this.#isStopping || this.#problem !== undefined) return;
    if (this.#isHeld) this.#resumeWhenReleased();
    else this.#call.resume();
  }

  #nextPush(pushes: StreamPushes): StreamPush | undefined {
    try {
      return pushes.next();
    } catch (error) {
      this.#problem = error as RpcError;
      this.#endTurnSoon();
      return undefined;
    }
  }

  #acceptOne(item: StreamPush): void {
    const { requestId } = item;
    const push = streamPush(item);
    this.#inFlight += 1;
    if (Buffer.byteLength(requestId) > MAX_REQUEST_ID_BYTES) {
      this.#answer(cutRequestId(requestId), REQUEST_ID_TOO_LONG);
    } else if (push === undefined) {
      this.#answer(requestId, PUSH_MISSING);
    } else {
      const { publisher, caller, ackTimeoutMs, tracing } = this.#options;
      const answer = (answered: PushAnswer | RpcError) => this.#answer(requestId, answered);
      publisher.push(push, caller, ackTimeoutMs, answer, tracing?.begin(push.api, item));
    }
  }

  /** Results and the response stream resume by themselves; only the fan-out has to be asked. */
  #resumeWhenReleased(): void {
    const { fanOut } = this.#options;
    if (fanOut.isHeld) fanOut.onceReleased(this.#resume);
  }

  #answer(requestId: string, answer: PushAnswer | RpcError): void {
    this.#inFlight -= 1;
    if (this.#isOver) return;
    this.#results.push(
      answer instanceof RpcError
        ? {
            requestId,
            messageId: "",
            report: undefined,
            code: answer.code,
            error: `${answer.pushcastCode}: ${answer.message}`,
          }
        : {
            requestId,
            messageId: answer.messageId,
            report: answer.report,
            code: status.OK,
            error: "",
          },
    );
    this.#endTurnSoon();
  }

  /** All results of a turn go out together; then what was held may go on. */
  #endTurnSoon(): void {
    if (this.#turnIsScheduled || this.#isOver) return;
    this.#turnIsScheduled = true;
    setImmediate(() => {
      this.#turnIsScheduled = false;
      if (this.#isOver) return;
      this.#writeResults();
      this.#accept();
      this.#endIfDone();
    });
  }

  #writeResults(): void {
    let from = 0;
    while (this.#writable && from < this.#results.length) {
      let to = from;
      let bytes = 0;
      do {
        bytes += maxBytes(this.#results[to] as StreamResult);
        to += 1;
      } while (
        to < this.#results.length &&
        bytes + maxBytes(this.#results[to] as StreamResult) <= MAX_RESPONSE_BYTES
      );
      this.#writable = this.#call.write({ results: this.#results.slice(from, to) });
      from = to;
    }
    this.#results = this.#results.slice(from);
  }

  #endIfDone(): void {
    const isAnswered =
      this.#inFlight === 0 && this.#results.length === 0 && this.#pushes === undefined;
    if (!isAnswered) return;
    if (this.#problem !== undefined) {
      this.#over();
      this.#call.emit("error", this.#problem.toServiceError());
    } else if (this.#halfClosed) {
      this.#over();
      this.#call.end();
    } else if (this.#isStopping) {
      this.#over();
      // grpc-js ends a stream with the status of the error that is emitted on it.
      this.#call.emit("error", refusalError("STOPPING").toServiceError());
    }
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#results = [];
    this.#pushes = undefined;
    this.#options.fanOut.offReleased(this.#resume);
    this.#onOver();
  }
}

/** As many whole characters of the id as are not too long. */
function cutRequestId(requestId: string): string {
  const { read } = new TextEncoder().encodeInto(requestId, new Uint8Array(MAX_REQUEST_ID_BYTES));
  return requestId.slice(0, read);
}

/** What a result takes in a response at most; to encode it for that would cost as much again. */
function maxBytes({ requestId, error, report }: StreamResult): number {
  let bytes = FIXED_BYTES + (requestId.length + error.length) * BYTES_A_CHARACTER;
  for (const { nodeId, message } of report?.failures ?? []) {
    bytes += FIXED_BYTES + (nodeId.length + message.length) * BYTES_A_CHARACTER;
  }
  return bytes;
}
