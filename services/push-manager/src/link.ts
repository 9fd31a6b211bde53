import {
  DeliverRequest,
  type InspectRequest,
  type InspectResponse,
  type NodeHello,
} from "@pushcast/api";
import type { Clock } from "@pushcast/runtime";
import { AckQueue } from "./ack-queue.ts";
import type {
  ConnectionListener,
  ConnectToNode,
  NodeConnection,
  TailListener,
  TailStream,
} from "./node-connection.ts";
import type { NodeResponse, Outcome } from "./node-response.ts";
import { emptyRequest, type OutgoingLog } from "./outgoing-log.ts";

/**
 * - `connecting`: a stream is being opened, or waits for the node's hello
 * - `live`: the node said hello; the cursor follows the log
 * - `closing`: the node, or this manager, stops; nothing more is sent
 * - `down`: no stream; the next attempt is due after a back-off
 */
export type LinkState = "connecting" | "live" | "closing" | "down";

/** What a link tells the set of links that it is in. */
export interface LinkEvents {
  stateChanged(link: Link, before: LinkState, reason: string): void;
  /** Outcomes that this link has not told before. */
  outcomes(outcomes: readonly Outcome[]): void;
  /** The node has acknowledged more. */
  progressed(link: Link): void;
}

/** What all links of a manager share. */
export interface LinkContext {
  readonly log: OutgoingLog;
  readonly managerId: string;
  readonly version: string;
  readonly connect: ConnectToNode;
  readonly clock: Clock;
  readonly events: LinkEvents;
  /** From 0 to 1; spreads the attempts of many links. */
  random(): number;
}

const HEARTBEAT_MS = 1000;
/** A link that is silent for this long is torn down; so is one that gets no hello for as long. */
const SILENT_MS = 3000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 1000;

/** One Deliver stream to one node: a cursor into the log, and what awaits its acknowledgement. */
export class Link implements ConnectionListener {
  readonly grpcAddress: string;
  readonly acks: AckQueue;
  /** What the node's hello said; empty before. */
  nodeVersion = "";
  readonly #context: LinkContext;
  /** Whether the id is the registry's; otherwise it is what the node's hello says. */
  readonly #idIsKnown: boolean;
  #state: LinkState = "down";
  #connection: NodeConnection | undefined;
  #writable = false;
  /** Everything up to here has been written to the stream. */
  #cursorSeq: number;
  #ackedSeq: number;
  #heardAtMs = 0;
  #sentAtMs = 0;
  #retryAtMs = 0;
  #failedAttempts = 0;
  #final: { promise: Promise<void>; resolve: () => void; sent: boolean } | undefined;

  constructor(nodeId: string, grpcAddress: string, idIsKnown: boolean, context: LinkContext) {
    this.grpcAddress = grpcAddress;
    this.acks = new AckQueue(nodeId);
    this.#idIsKnown = idIsKnown;
    this.#context = context;
    this.#cursorSeq = context.log.tailSeq;
    this.#ackedSeq = context.log.tailSeq;
  }

  get nodeId(): string {
    return this.acks.nodeId;
  }

  get state(): LinkState {
    return this.#state;
  }

  get ackedSeq(): number {
    return this.#ackedSeq;
  }

  /** Since the node's last hello. */
  get failedAttempts(): number {
    return this.#failedAttempts;
  }

  /** How many seqs the node has not acknowledged. */
  get lag(): number {
    return this.#context.log.headSeq - this.#ackedSeq;
  }

  /** Opens the stream. The node is there when the state becomes `live`. */
  open(): void {
    this.#heardAtMs = this.#context.clock.monotonicMs();
    this.#connection = this.#context.connect(this.grpcAddress, this);
    this.#setState("connecting", "attaching");
    const { log, managerId, version } = this.#context;
    const hello = {
      epoch: log.epoch,
      managerId,
      version,
      tailSeq: BigInt(log.tailSeq),
      headSeq: BigInt(log.headSeq),
      nodeId: this.#idIsKnown ? this.nodeId : "",
    };
    const request = { hello, afterSeq: 0n, throughSeq: 0n, publications: [], final: false };
    this.#write(Buffer.from(DeliverRequest.encode(request).finish()));
  }

  /** Writes what the log has beyond the cursor, as far as the stream takes it. */
  pump(): void {
    if (this.#state !== "live") return;
    const { log } = this.#context;
    while (this.#writable) {
      const batch = log.batchAfter(this.#cursorSeq);
      if (batch === undefined) break;
      if (batch.afterSeq > this.#cursorSeq) this.acks.failGap(this.#cursorSeq, batch.afterSeq);
      if (!batch.holdsEphemeral) this.acks.failSkipped(batch.afterSeq, batch.throughSeq);
      this.#cursorSeq = batch.throughSeq;
      this.#write(batch.message);
    }
    this.#sendFinalIfDue();
  }

  /** The turn is over: what was ephemeral in it does not reach a cursor that is behind. */
  skipEphemeral(): void {
    const { headSeq } = this.#context.log;
    if (this.#cursorSeq < headSeq) this.acks.failSkipped(this.#cursorSeq, headSeq);
  }

  /** Heartbeats, the judgement of silence, and attempts that are due. Called several times a second. */
  tick(nowMs: number): void {
    if (this.#state === "down") {
      if (nowMs >= this.#retryAtMs) this.open();
    } else if (nowMs - this.#heardAtMs >= SILENT_MS) {
      this.#goDown(`silent for ${SILENT_MS} ms`);
    } else if (
      this.#state === "live" &&
      this.#writable &&
      nowMs - this.#sentAtMs >= HEARTBEAT_MS &&
      this.#final === undefined
    ) {
      this.#write(emptyRequest(this.#cursorSeq));
    }
  }

  /** @throws Error when the link is not attached, or the node does not answer in time */
  async inspect(request: InspectRequest, timeoutMs: number): Promise<InspectResponse> {
    const isAttached = this.#state === "live" || this.#state === "closing";
    if (this.#connection === undefined || !isAttached) throw new Error(`link is ${this.#state}`);
    return await this.#connection.inspect(request, timeoutMs);
  }

  /** Reads along in a room on this node. @returns undefined when the link is not live */
  tail(roomId: string, listener: TailListener): TailStream | undefined {
    return this.#state === "live" ? this.#connection?.tail(roomId, listener) : undefined;
  }

  /** Sends what is left and that it was the last. Resolves when the node has ended the stream. */
  finish(): Promise<void> {
    if (this.#state !== "live") return Promise.resolve();
    if (this.#final === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#final = { promise, resolve, sent: false };
      this.pump();
    }
    return this.#final.promise;
  }

  /** Tears the link down for good. */
  close(reason: string): void {
    this.#disconnect();
    this.#setState("down", reason);
    this.#retryAtMs = Number.POSITIVE_INFINITY;
  }

  onResponse(response: NodeResponse): void {
    this.#heardAtMs = this.#context.clock.monotonicMs();
    if (response.hello !== undefined) {
      this.#attach(response.hello);
    } else if (this.#state === "connecting") {
      this.#goDown("first message has no hello");
    } else {
      this.#acknowledge(response.throughSeq, response.outcomes);
    }
    if (response.closing) this.#endWriting("node is closing");
  }

  onWritable(): void {
    this.#writable = true;
    this.pump();
  }

  onEnd(reason: string): void {
    this.#connection = undefined;
    this.#goDown(reason);
  }

  #attach(hello: NodeHello): void {
    if (this.#state !== "connecting") {
      this.#goDown("second hello on one stream");
      return;
    }
    if (this.#idIsKnown && hello.nodeId !== this.nodeId) {
      // The address of a pod that is gone may have been given to another.
      this.#goDown(`node there is ${hello.nodeId}`);
      return;
    }
    const { log } = this.#context;
    this.acks.nodeId = hello.nodeId;
    this.nodeVersion = hello.version;
    const haveSeq = hello.knowsEpoch ? Number(hello.haveSeq) : log.tailSeq;
    this.#cursorSeq = Math.min(haveSeq, log.headSeq);
    this.#ackedSeq = this.#cursorSeq;
    this.acks.missedDeadline = false;
    this.#failedAttempts = 0;
    this.#setState("live", "attached");
    this.pump();
  }

  #acknowledge(throughSeq: number, outcomes: readonly Outcome[]): void {
    const { headSeq } = this.#context.log;
    if (throughSeq > headSeq) {
      this.#goDown(`acknowledged ${throughSeq}, beyond the head ${headSeq}`);
      return;
    }
    // A node may have had more from its peers than from this link.
    if (throughSeq > this.#cursorSeq) this.#cursorSeq = throughSeq;
    if (throughSeq > this.#ackedSeq) {
      const { events } = this.#context;
      const before = this.#ackedSeq;
      const fresh = freshOutcomes(outcomes, before);
      this.#ackedSeq = throughSeq;
      if (fresh.length > 0) events.outcomes(fresh);
      this.acks.acknowledge(throughSeq, fresh);
      events.progressed(this);
    }
    if (this.#final?.sent && throughSeq === this.#cursorSeq) this.#endWriting("final acknowledged");
  }

  #sendFinalIfDue(): void {
    const final = this.#final;
    if (final === undefined || final.sent || this.#cursorSeq < this.#context.log.headSeq) return;
    final.sent = true;
    this.#write(emptyRequest(this.#cursorSeq, true));
  }

  /** Nothing more is sent; the node ends the stream. */
  #endWriting(reason: string): void {
    if (this.#state !== "live") return;
    this.#connection?.endWriting();
    this.#setState("closing", reason);
  }

  #write(message: Buffer): void {
    this.#sentAtMs = this.#context.clock.monotonicMs();
    this.#writable = this.#connection?.write(message) ?? false;
  }

  #goDown(reason: string): void {
    this.#disconnect();
    const { clock, random } = this.#context;
    const backOffMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failedAttempts);
    this.#failedAttempts += 1;
    this.#retryAtMs = clock.monotonicMs() + backOffMs * (0.5 + random() / 2);
    this.#setState("down", reason);
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#writable = false;
  }

  #setState(state: LinkState, reason: string): void {
    const before = this.#state;
    if (state === before) return;
    this.#state = state;
    if (before === "live") this.acks.failAll(reason);
    if (state === "down") this.#final?.resolve();
    this.#context.events.stateChanged(this, before, reason);
  }
}

/** Those above a seq: mostly all. */
function freshOutcomes(outcomes: readonly Outcome[], afterSeq: number): readonly Outcome[] {
  return outcomes.every(({ seq }) => seq > afterSeq)
    ? outcomes
    : outcomes.filter(({ seq }) => seq > afterSeq);
}
