import { once } from "node:events";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import {
  type DeliveryReport,
  PushManagerServiceService,
  PushToRoomRequest,
  PushToRoomResponse,
  type StreamPush,
  type StreamResult,
} from "@pushcast/api";
import { answerParent } from "../../test/support/child.ts";
import { ManagerClient } from "../../test/support/manager-client.ts";
import { grpcFrame } from "./grpc-frames.ts";
import { GrpcSession } from "./grpc-session.ts";
import type { PushingReport, PushingRequest } from "./messages.ts";

const ROOMS = 10;
/** More than a manager takes of one stream by default, so that it is the manager that holds back. */
const MAX_UNANSWERED = 8_192;
/** The most: a publisher that has fallen behind sends several, all smaller than 4 MiB. */
const PUSHES_A_MESSAGE = 100;

const UNARY = { maxMessageBytes: 1024 * 1024, timeoutMs: 15_000 };

const { pushToRoom } = PushManagerServiceService;

/** Pushes at a rate, and what came of it. */
class Pushing {
  readonly #request: PushingRequest;
  readonly #client: ManagerClient;
  readonly #content: string;
  readonly #answerMs: number[] = [];
  #refused = 0;
  #incomplete = 0;

  constructor(request: PushingRequest) {
    this.#request = request;
    this.#client = new ManagerClient(request.address);
    this.#content = "x".repeat(request.contentBytes);
  }

  async run(): Promise<PushingReport> {
    const startedAtMs = performance.now();
    await (this.#request.via === "unary" ? this.#runUnary() : this.#runStream());
    const tookSeconds = (performance.now() - startedAtMs) / 1_000;
    this.#client.close();
    return {
      accepted: this.#answerMs.length,
      refused: this.#refused,
      incomplete: this.#incomplete,
      tookSeconds,
      answerMs: Float64Array.from(this.#answerMs),
    };
  }

  async #runUnary(): Promise<void> {
    const session = new GrpcSession(this.#request.address);
    const pushes: Promise<void>[] = [];
    for await (const { from, to } of this.#due()) {
      for (let n = from; n < to; n += 1) pushes.push(this.#pushUnary(session, n));
    }
    await Promise.all(pushes);
    session.destroy();
  }

  #pushUnary(session: GrpcSession, n: number): Promise<void> {
    const sentAtMs = performance.now();
    return new Promise((resolve) => {
      const call = session.call(pushToRoom.path, UNARY, {
        onMessage: (bytes) => this.#accepted(sentAtMs, PushToRoomResponse.decode(bytes).report),
        onEnd: (code, details) => {
          if (code !== status.OK) this.#refusedWith(details);
          resolve();
        },
      });
      call.write(grpcFrame([PushToRoomRequest.encode(this.#push(n)).finish()]));
      call.endWriting();
    });
  }

  async #runStream(): Promise<void> {
    const stream = this.#client.openPushStream();
    const sentAtMs = new Map<string, number>();
    stream.on("data", ({ results }: { results: StreamResult[] }) => {
      for (const { requestId, code, error, report } of results) {
        if (code === 0) this.#accepted(sentAtMs.get(requestId) ?? Number.NaN, report);
        else this.#refusedWith(error);
        sentAtMs.delete(requestId);
      }
    });
    const ended = once(stream, "end");
    // Heeded once nothing more is due, and the error is thrown there.
    ended.catch(() => {});
    for await (const { from, to } of this.#due()) {
      const pushes: StreamPush[] = [];
      const nowMs = performance.now();
      for (let n = from; n < to; n += 1) {
        const requestId = String(n);
        sentAtMs.set(requestId, nowMs);
        pushes.push({ requestId, push: { $case: "pushToRoom", value: this.#push(n) } });
      }
      if (!stream.write({ pushes })) await once(stream, "drain");
      while (sentAtMs.size >= MAX_UNANSWERED) await once(stream, "data");
      // Or nothing would be read while it is written.
      await nextTurn();
    }
    stream.end();
    await ended;
  }

  /** The numbers of the pushes that are due, some at a time. */
  async *#due(): AsyncGenerator<{ from: number; to: number }> {
    const { rate, seconds } = this.#request;
    const startedAtMs = performance.now();
    const endsAtMs = startedAtMs + seconds * 1_000;
    let from = 0;
    for (let nowMs = startedAtMs; nowMs < endsAtMs; nowMs = performance.now()) {
      const due = Number.isFinite(rate)
        ? Math.floor(((nowMs - startedAtMs) / 1_000) * rate)
        : Number.MAX_SAFE_INTEGER;
      const to = Math.min(due, from + PUSHES_A_MESSAGE);
      if (to > from) yield { from, to };
      from = to;
      if (to === due) await sleep(1);
    }
  }

  #push(n: number): PushToRoomRequest {
    return PushToRoomRequest.fromPartial({
      roomId: `room-${n % ROOMS}`,
      content: Buffer.from(this.#content),
    });
  }

  #accepted(sentAtMs: number, report: DeliveryReport | undefined): void {
    this.#answerMs.push(performance.now() - sentAtMs);
    const { nodes } = this.#request;
    if (report?.nodesAcked !== nodes || report.nodesMatched !== nodes) this.#incomplete += 1;
  }

  #refusedWith(problem: string): void {
    if (this.#refused === 0) console.error(`a push was refused: ${problem}`);
    this.#refused += 1;
  }
}

answerParent<PushingRequest>((request) => new Pushing(request).run());
