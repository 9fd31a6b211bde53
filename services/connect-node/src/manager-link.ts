import type { DeliverResponse, ManagerHello, Outcome } from "@pushcast/api";
import type { Clock, Logger, TimerHandle } from "@pushcast/runtime";
import { isEpoch } from "@pushcast/wire";
import { DeliverError, decodeDeliverMessage } from "./deliver-message.ts";
import type { Intake, SeqOutcome } from "./intake.ts";

/** The stream under a link; an adapter fits a gRPC call to it. */
export interface ManagerStream {
  send(response: DeliverResponse): void;
  /** Ends the call; with a problem, as failed. */
  end(problem?: string): void;
}

const HEARTBEAT_MS = 1_000;
/** A manager sends a heartbeat each second, so this one is dead or cut off. */
const SILENT_MS = 3_000;

/**
 * This node's end of one manager's `Deliver` stream: the hellos, one acknowledgement a turn, and
 * heartbeats both ways.
 */
export class ManagerLink {
  readonly #nodeId: string;
  readonly #version: string;
  readonly #stream: ManagerStream;
  readonly #intake: Intake;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onAttached: (link: ManagerLink) => void;
  readonly #ticker: TimerHandle;
  #epoch: string | undefined;
  #managerHead = 0;
  /** Everything up to here has come, or was here before. */
  #through = 0;
  #heardAtMs: number;
  #outcomes: Outcome[] = [];
  #ackScheduled = false;
  #ended = false;

  constructor(init: {
    nodeId: string;
    version: string;
    stream: ManagerStream;
    intake: Intake;
    clock: Clock;
    logger: Logger;
    /** The manager has said its epoch. */
    onAttached: (link: ManagerLink) => void;
  }) {
    this.#nodeId = init.nodeId;
    this.#version = init.version;
    this.#stream = init.stream;
    this.#intake = init.intake;
    this.#clock = init.clock;
    this.#logger = init.logger;
    this.#onAttached = init.onAttached;
    this.#heardAtMs = init.clock.monotonicMs();
    this.#ticker = init.clock.setInterval(() => this.#tick(), HEARTBEAT_MS, { unref: true });
  }

  /** The manager's epoch, once it has said it. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** Whether the node has everything that the manager had as this link began. */
  get hasCaughtUp(): boolean {
    return this.#epoch !== undefined && this.#intake.head(this.#epoch) >= this.#managerHead;
  }

  /** One encoded DeliverRequest. */
  receive(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#heardAtMs = this.#clock.monotonicMs();
    try {
      const message = decodeDeliverMessage(bytes);
      if (this.#epoch === undefined) {
        this.#attach(message.hello);
        return;
      }
      this.#through = Math.max(this.#through, message.throughSeq);
      for (const outcome of this.#intake.take(this.#epoch, message, this.#managerHead)) {
        this.#outcomes.push(toOutcome(outcome));
      }
      if (message.throughSeq > message.afterSeq || message.final) this.#acknowledgeSoon();
    } catch (error) {
      this.#logger.error({ err: error, epoch: this.#epoch }, "a push-manager's message failed");
      this.end(error instanceof DeliverError ? error.message : "internal error");
    }
  }

  /** Tells the manager that this node stops; it sends nothing more. Before the hellos it says nothing. */
  close(): void {
    if (!this.#ended) this.#acknowledge(true);
  }

  /** Ends the stream from this side; with a problem, as failed. */
  end(problem?: string): void {
    if (this.#ended) return;
    this.ended();
    this.#stream.end(problem);
  }

  /** The stream has ended, from whichever side. */
  ended(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#clock.clearInterval(this.#ticker);
  }

  #attach(hello: ManagerHello | undefined): void {
    if (hello === undefined || !isEpoch(hello.epoch)) {
      throw new DeliverError("the first message must be a hello with an epoch");
    }
    if (hello.nodeId !== "" && hello.nodeId !== this.#nodeId) {
      throw new DeliverError(`this is node ${this.#nodeId}, not ${hello.nodeId}`);
    }
    this.#epoch = hello.epoch;
    this.#managerHead = Number(hello.headSeq);
    const { epoch, managerId, version } = hello;
    this.#logger.info({ epoch, managerId, managerVersion: version }, "a push-manager has attached");
    // Another link of this epoch must have ended before what it brought is counted.
    this.#onAttached(this);
    const have = this.#intake.attach(hello.epoch, Number(hello.tailSeq));
    this.#through = have ?? Number(hello.tailSeq);
    this.#stream.send({
      hello: {
        nodeId: this.#nodeId,
        version: this.#version,
        haveSeq: BigInt(have ?? 0),
        knowsEpoch: have !== undefined,
      },
      throughSeq: 0n,
      outcomes: [],
      closing: false,
    });
  }

  #acknowledgeSoon(): void {
    if (this.#ackScheduled) return;
    this.#ackScheduled = true;
    setImmediate(() => {
      this.#ackScheduled = false;
      if (!this.#ended) this.#acknowledge(false);
    });
  }

  /** Before the hellos there is nothing to acknowledge. */
  #acknowledge(closing: boolean): void {
    if (this.#epoch === undefined) return;
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    this.#stream.send({ hello: undefined, throughSeq: BigInt(this.#through), outcomes, closing });
  }

  #tick(): void {
    if (this.#clock.monotonicMs() - this.#heardAtMs >= SILENT_MS) {
      this.#logger.warn({ epoch: this.#epoch }, "a push-manager has been silent");
      this.end("silent");
    } else {
      this.#acknowledge(false);
    }
  }
}

function toOutcome(outcome: SeqOutcome): Outcome {
  return {
    seq: BigInt(outcome.seq),
    sessionsDelivered: outcome.delivered,
    sessionsLagging: outcome.lagging,
    duplicate: outcome.duplicate,
  };
}
