import { type DeliveryReport, FailureReason, type NodeFailure } from "@pushcast/api";
import type { NodeRecord } from "@pushcast/registry";
import type { Clock, TimerHandle } from "@pushcast/runtime";
import { Deadlines } from "./deadlines.ts";
import type { Link } from "./link.ts";
import { type KnownNode, Links, type LinksEvents, type LinksOptions } from "./links.ts";
import type { Outcome } from "./node-response.ts";
import { BATCH_BYTES, type NewPublication, type OutgoingLog } from "./outgoing-log.ts";
import { emptyReport, PendingPush } from "./pending-push.ts";
import { ApiBySeq, type PushApi } from "./push-api.ts";
import type { PushTrace } from "./push-trace.ts";

/** What the fan-out counts. */
export interface FanOutCounters {
  /** A publication of this rpc was appended while so many nodes were known. */
  appended(api: PushApi, nodesTotal: number): void;
  /** A node had so many sessions, at least one, for a publication of this rpc. */
  delivered(api: PushApi, sessions: number): void;
  /** These nodes did not acknowledge a publication, or a command, that was waited for. */
  failed(failures: readonly NodeFailure[]): void;
}

export interface FanOutOptions extends Omit<LinksOptions, "events"> {
  readonly log: OutgoingLog;
  readonly clock: Clock;
  readonly counters: FanOutCounters;
  /** `LOG_BYTES`; most links lagging by more than a quarter of it holds publishers back. */
  readonly logBytes: number;
  /** Pushes that may await acknowledgement at once; more hold publishers back. */
  readonly maxPendingPushes: number;
  /** A node that a push waited for so long in vain is not waited for until it acknowledges again. */
  readonly ackTimeoutMs: number;
  /** Runs a task when this turn of the event loop is over. @default setImmediate */
  readonly defer?: (task: () => void) => void;
}

/** Why a push is not taken. */
export type Refusal = "STOPPING" | "NO_NODES" | "BACK_PRESSURE";

/** How often links judge silence and attempts fall due. */
const TICK_MS = 100;
/** Ticks that are as far apart as this mean that the process stood still. */
const PAUSE_MS = 1000;

/** Appends each publication once, and tells its publisher what became of it on every node. */
export class FanOut {
  readonly #log: OutgoingLog;
  readonly #links: Links;
  readonly #clock: Clock;
  readonly #counters: FanOutCounters;
  readonly #defer: (task: () => void) => void;
  readonly #lagLimitBytes: number;
  readonly #maxPendingPushes: number;
  readonly #ackTimeoutMs: number;
  readonly #apis = new ApiBySeq();
  readonly #deadlines: Deadlines<PendingPush>;
  #pendingPushes = 0;
  #linksLag = false;
  #turnIsScheduled = false;
  #isStopping = false;
  readonly #onDrained: (() => void)[] = [];
  readonly #onReleased = new Set<() => void>();
  #ticks: TimerHandle | undefined;
  #tickedAtMs = 0;

  constructor(options: FanOutOptions) {
    this.#log = options.log;
    this.#clock = options.clock;
    this.#counters = options.counters;
    this.#defer = options.defer ?? setImmediate;
    this.#lagLimitBytes = options.logBytes / 4;
    this.#maxPendingPushes = options.maxPendingPushes;
    this.#ackTimeoutMs = options.ackTimeoutMs;
    this.#deadlines = new Deadlines(options.clock, (push) => push.expire());
    const events: LinksEvents = {
      outcomes: (outcomes) => this.#countDelivered(outcomes),
      progressed: () => this.#onProgress(),
    };
    this.#links = new Links({ ...options, events });
  }

  /** Every known node. */
  get nodes(): Iterable<KnownNode> {
    return this.#links.nodes;
  }

  get pendingPushes(): number {
    return this.#pendingPushes;
  }

  /** Takes over what the registry says of the nodes. */
  follow(records: ReadonlyMap<string, NodeRecord>): void {
    this.#links.follow(records);
  }

  /** Whether publishers are held back. */
  get isHeld(): boolean {
    return this.#linksLag || this.#pendingPushes >= this.#maxPendingPushes;
  }

  /** Calls `listener` once, when publishers are no longer held back. */
  onceReleased(listener: () => void): void {
    this.#onReleased.add(listener);
  }

  offReleased(listener: () => void): void {
    this.#onReleased.delete(listener);
  }

  /** Why a push would not be taken now, if so. */
  get refusal(): Refusal | undefined {
    if (this.#isStopping) return "STOPPING";
    if (this.#links.all.length === 0) return "NO_NODES";
    return this.isHeld ? "BACK_PRESSURE" : undefined;
  }

  /** Begins to follow time: heartbeats, attempts to attach, eviction by age. */
  start(): void {
    this.#tickedAtMs = this.#clock.monotonicMs();
    this.#ticks = this.#clock.setInterval(() => this.#tick(), TICK_MS);
  }

  /**
   * Appends a publication. `onSettled` gets its seq and the report when every node that is waited
   * for has acknowledged or failed, perhaps before this returns.
   *
   * @param api undefined for a command
   * @param timeoutMs how long nodes are waited for; undefined: not at all
   * @param trace of a push that is sampled
   */
  append(
    publication: NewPublication,
    api: PushApi | undefined,
    timeoutMs: number | undefined,
    onSettled: (seq: number, report: DeliveryReport) => void,
    trace?: PushTrace,
  ): void {
    // A turn is sent early when it fills a message: what is ephemeral in it is held only here.
    if (this.#log.turnBytes >= BATCH_BYTES) this.#endTurn();
    const seq = this.#log.append(publication, this.#clock.monotonicMs());
    const links = this.#links.all;
    this.#apis.set(seq, api);
    if (api !== undefined) this.#counters.appended(api, links.length);
    if (!this.#turnIsScheduled) {
      this.#turnIsScheduled = true;
      this.#defer(() => this.#endTurn());
    }
    if (timeoutMs === undefined) {
      onSettled(seq, emptyReport(links.length));
      return;
    }
    const judgesNodes = timeoutMs >= this.#ackTimeoutMs;
    const { ephemeral } = publication;
    const answer = ({ report }: PendingPush) => {
      this.#counters.failed(report.failures);
      onSettled(seq, report);
    };
    const onAllSettled = (settled: PendingPush) => {
      this.#settle(settled);
      answer(settled);
    };
    const total = links.length;
    const push = new PendingPush(seq, ephemeral, total, judgesNodes, onAllSettled, trace);
    for (const link of links) awaitNode(push, link);
    if (push.awaitsAny) {
      this.#pendingPushes += 1;
      this.#deadlines.add(push, timeoutMs);
    } else {
      answer(push);
    }
  }

  /**
   * Takes no more pushes, answers those in flight, sends what is left and the final message on
   * every link, and ends the links.
   *
   * @param answerMs pushes that are not answered by then get their report as it is
   * @param finalMs links that have not acknowledged the final message by then are cut
   */
  async stop(answerMs: number, finalMs: number): Promise<void> {
    this.#isStopping = true;
    this.#release();
    await this.#within(answerMs, this.#drained());
    this.#deadlines.expireAll();
    this.#endTurn();
    await this.#within(finalMs, this.#links.finish());
    this.#clock.clearInterval(this.#ticks);
    this.#links.close();
  }

  /** Everything that was appended in this turn goes to the links, in one message if it fits. */
  #endTurn(): void {
    this.#turnIsScheduled = false;
    this.#links.pump();
    if (this.#log.turnHasEphemeral) this.#links.skipEphemeral();
    this.#log.endTurn();
    this.#judgeLag();
  }

  #settle(push: PendingPush): void {
    this.#deadlines.remove(push);
    this.#pendingPushes -= 1;
    if (this.#pendingPushes === 0) for (const done of this.#onDrained.splice(0)) done();
    this.#release();
  }

  #countDelivered(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      const sessions = outcome.sessionsDelivered + outcome.sessionsLagging;
      if (outcome.duplicate || sessions === 0) continue;
      const api = this.#apis.get(outcome.seq);
      if (api !== undefined) this.#counters.delivered(api, sessions);
    }
  }

  #onProgress(): void {
    if (!this.#linksLag) return;
    this.#judgeLag();
    this.#release();
  }

  #judgeLag(): void {
    const limitSeq = this.#log.lagLimitSeq(this.#lagLimitBytes);
    let live = 0;
    let lagging = 0;
    for (const link of this.#links.all) {
      if (link.state !== "live") continue;
      live += 1;
      if (link.ackedSeq < limitSeq) lagging += 1;
    }
    this.#linksLag = lagging * 2 > live;
  }

  #release(): void {
    if (this.#onReleased.size === 0 || (this.isHeld && !this.#isStopping)) return;
    const listeners = [...this.#onReleased];
    this.#onReleased.clear();
    // Not from within an acknowledgement: a listener appends, and may be called for that in turn.
    this.#defer(() => {
      for (const listener of listeners) listener();
    });
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#log.evictExpired(nowMs);
    // After a pause of this process, what the nodes sent meanwhile is read only after the timers:
    // nobody has been silent.
    if (nowMs - this.#tickedAtMs < PAUSE_MS) this.#links.tick(nowMs);
    this.#tickedAtMs = nowMs;
  }

  #drained(): Promise<void> {
    if (this.#pendingPushes === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onDrained.push(resolve));
  }

  async #within(timeoutMs: number, done: Promise<void>): Promise<void> {
    let timer: TimerHandle | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = this.#clock.setTimeout(resolve, timeoutMs);
    });
    await Promise.race([done, timeout]);
    this.#clock.clearTimeout(timer);
  }
}

/** Lets a push wait for a node, or says at once why it does not. */
function awaitNode(push: PendingPush, link: Link): void {
  if (link.state !== "live") {
    const message = `link is ${link.state}`;
    push.failAtOnce(link.nodeId, FailureReason.FAILURE_REASON_LINK_DOWN, message);
  } else if (link.acks.missedDeadline) {
    const message = "has not acknowledged since it missed a deadline";
    push.failAtOnce(link.nodeId, FailureReason.FAILURE_REASON_DEADLINE, message);
  } else {
    link.acks.add(push);
  }
}
