import { status } from "@grpc/grpc-js";
import type { DeliveryReport } from "@pushcast/api";
import { publicationId } from "@pushcast/log";
import { type Clock, RpcError } from "@pushcast/runtime";
import type { Caller } from "./access/push-access.ts";
import type { FanOut, Refusal } from "./fan-out.ts";
import type { FirstPush, IdempotencyKeys } from "./idempotency.ts";
import { type Push, type PushAnswer, waitsForNodes } from "./push.ts";
import type { PushApi } from "./push-api.ts";
import type { PushTrace } from "./push-trace.ts";
import { pushError } from "./validate.ts";

export interface PublisherOptions {
  readonly epoch: string;
  readonly fanOut: FanOut;
  readonly keys: IdempotencyKeys;
  readonly clock: Clock;
  readonly maxContentBytes: number;
  /** Repeats of keys that may wait for the first at once. */
  readonly maxWaitingRepeats: number;
  /** Every push that was answered, also with an error. */
  onAnswered(api: PushApi, code: status, seconds: number): void;
}

const REFUSALS: Readonly<Record<Refusal, RpcError>> = {
  STOPPING: new RpcError(status.UNAVAILABLE, "STOPPING", "this push-manager is stopping"),
  NO_NODES: new RpcError(status.UNAVAILABLE, "NO_NODES", "no connect-node is known"),
  BACK_PRESSURE: new RpcError(
    status.RESOURCE_EXHAUSTED,
    "BACK_PRESSURE",
    "the connect-nodes do not keep up; push again a little later",
  ),
};

export function refusalError(refusal: Refusal): RpcError {
  return REFUSALS[refusal];
}

/** Accepts pushes, one by one, whichever rpc they came by. */
export class Publisher {
  readonly #options: PublisherOptions;
  #waitingRepeats = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * Judges and validates a push, appends it unless its key is known, and answers, perhaps before this
   * returns.
   *
   * @param timeoutMs how long nodes are waited for
   * @param trace of a push that is sampled; it ends with the answer
   */
  push(
    push: Push,
    caller: Caller,
    timeoutMs: number,
    onAnswer: (answer: PushAnswer | RpcError) => void,
    trace?: PushTrace,
  ): void {
    const { clock, onAnswered } = this.#options;
    const beganAtMs = clock.monotonicMs();
    const answer = (answered: PushAnswer | RpcError) => {
      const code = answered instanceof RpcError ? answered.code : status.OK;
      onAnswered(push.api, code, (clock.monotonicMs() - beganAtMs) / 1000);
      trace?.answered(answered);
      onAnswer(answered);
    };
    const error =
      caller.refusal(push.api, push.roomId) ?? pushError(push, this.#options.maxContentBytes);
    if (error !== undefined) answer(error);
    else if (push.idempotencyKey === "") this.#append(push, timeoutMs, answer, trace);
    else this.#appendOnce(withOwnKey(push, caller), timeoutMs, beganAtMs, answer, trace);
  }

  #appendOnce(
    push: Push,
    timeoutMs: number,
    nowMs: number,
    answer: (answer: PushAnswer | RpcError) => void,
    trace: PushTrace | undefined,
  ): void {
    const { fanOut, keys } = this.#options;
    const known = keys.find(push.idempotencyKey, nowMs);
    if (known !== undefined) {
      if (known.isAnswered) known.whenAnswered(answer);
      else this.#waitForFirst(known, answer);
      return;
    }
    const refusal = fanOut.refusal;
    if (refusal !== undefined) {
      answer(refusalError(refusal));
      return;
    }
    const first = keys.begin(push.idempotencyKey, nowMs);
    first.whenAnswered(answer);
    this.#appendAccepted(push, timeoutMs, (answered) => first.answer(answered), trace);
  }

  #waitForFirst(first: FirstPush, answer: (answer: PushAnswer | RpcError) => void): void {
    if (this.#waitingRepeats >= this.#options.maxWaitingRepeats) {
      answer(refusalError("BACK_PRESSURE"));
      return;
    }
    this.#waitingRepeats += 1;
    first.whenAnswered((answered) => {
      this.#waitingRepeats -= 1;
      answer(answered);
    });
  }

  #append(
    push: Push,
    timeoutMs: number,
    answer: (answer: PushAnswer | RpcError) => void,
    trace: PushTrace | undefined,
  ): void {
    const refusal = this.#options.fanOut.refusal;
    if (refusal === undefined) this.#appendAccepted(push, timeoutMs, answer, trace);
    else answer(refusalError(refusal));
  }

  #appendAccepted(
    push: Push,
    timeoutMs: number,
    answer: (answer: PushAnswer) => void,
    trace: PushTrace | undefined,
  ): void {
    const { epoch, fanOut, clock } = this.#options;
    const publication = {
      roomId: push.roomId,
      userIds: push.userIds,
      excludeUserIds: push.excludeUserIds,
      content: push.content,
      contentType: push.contentType,
      idempotencyKey: push.idempotencyKey,
      ephemeral: push.ephemeral,
      atMs: clock.now(),
      traceparent: trace?.traceparent,
    };
    const waitMs = waitsForNodes(push) ? timeoutMs : undefined;
    const onSettled = (seq: number, report: DeliveryReport) =>
      answer({ messageId: publicationId({ epoch, seq }), report });
    fanOut.append(publication, push.api, waitMs, onSettled, trace);
  }
}

function withOwnKey(push: Push, caller: Caller): Push {
  const idempotencyKey = caller.ownKey(push.idempotencyKey);
  return idempotencyKey === push.idempotencyKey ? push : { ...push, idempotencyKey };
}
