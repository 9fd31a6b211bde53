import type { ReplicateRequest } from "@pushcast/api";
import type { Position } from "@pushcast/log";
import type { Clock, Logger, TimerHandle } from "@pushcast/runtime";
import type { Revocations } from "./auth/revocations.ts";
import type { Intake } from "./intake.ts";
import { WANTS_NOTHING } from "./log-reader.ts";
import type { ManagerLinks } from "./manager-links.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLog } from "./node-log.ts";
import { PeerCopy } from "./peer-copy.ts";
import type { Peer, Peers } from "./peers.ts";

export interface ReplicationTimes {
  /** How long a node that starts waits at most for what others have: `WARM_SECONDS`. */
  readonly warmMs: number;
  /** How often peers are read from then on: `REATTACH_SECONDS`. */
  readonly reattachMs: number;
  /** `LOG_SECONDS` */
  readonly logMs: number;
  /** `LAG_SECONDS` */
  readonly lagMs: number;
}

/** A link that broke comes back by itself in this time, and brings what follows, also commands. */
const LINK_RETURNS_MS = 3_000;
const LOOK_MS = 50;
/** Epochs are forgotten after twice `LOG_SECONDS`; one that is near to it is not begun. */
const BEGIN_WITHIN_LOG_TIMES = 1.5;

/**
 * Reads the logs of other nodes: all of one before this node is ready, and from then on, for ever,
 * what they have of managers to which this node has no link. So what a manager that died gave only to
 * some nodes comes to all, and what a node that is cut off from the managers misses.
 */
export class Replication {
  readonly #log: NodeLog;
  readonly #intake: Intake;
  readonly #revocations: Revocations;
  readonly #links: ManagerLinks;
  readonly #peers: Peers;
  readonly #maxBytes: number;
  readonly #times: ReplicationTimes;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: NodeMetrics;
  /** Epochs that were live at the peers that were copied. */
  readonly #awaited = new Set<string>();
  /** Peers whose last read failed: an outage is one warning, however many rounds it lasts. */
  readonly #unread = new Set<string>();
  #reading: Peer | undefined;
  #rounds: TimerHandle;
  #stopped = false;

  constructor(init: {
    log: NodeLog;
    intake: Intake;
    revocations: Revocations;
    links: ManagerLinks;
    peers: Peers;
    /** Of publications: `LOG_BYTES`. */
    maxBytes: number;
    times: ReplicationTimes;
    clock: Clock;
    logger: Logger;
    metrics: NodeMetrics;
  }) {
    this.#log = init.log;
    this.#intake = init.intake;
    this.#revocations = init.revocations;
    this.#links = init.links;
    this.#peers = init.peers;
    this.#maxBytes = init.maxBytes;
    this.#times = init.times;
    this.#clock = init.clock;
    this.#logger = init.logger;
    this.#metrics = init.metrics;
  }

  /**
   * Copies a peer's log into this one, which is empty: one peer after another until one was read to
   * its end whose log is old enough for every client. No manager may attach meanwhile. Resolves also
   * when there is no peer, or after `WARM_SECONDS`.
   */
  async copy(): Promise<void> {
    if (this.#times.warmMs === 0) return;
    await this.#peers.known;
    await this.#withinWarmMs("reading a peer's log", (isOver) => this.#copyPeers(isOver));
  }

  /**
   * Waits until the managers that were live at the peers have attached here and this node has caught
   * up with them, then reads once more what peers have of others. Each of the two ends also after
   * `WARM_SECONDS`. The log's age is then that of the oldest that was read to its end just now: this
   * node lacks what managers that are gone gave to others since an earlier copy.
   */
  async settle(): Promise<void> {
    let copies: PeerCopy[] = [];
    if (this.#times.warmMs > 0) {
      await this.#withinWarmMs("waiting for the managers", (isOver) =>
        this.#managersAttached(isOver),
      );
      await this.#withinWarmMs("reading the peers once more", async (isOver) => {
        copies = await this.#readAll(0, isOver);
      });
    }
    // However long the start took: what was missed in it is in no session's past.
    this.#intake.heard();
    const ages = copies.map((copy) => (copy.done ? copy.logAgeMs : 0));
    this.#log.begin(Math.max(0, ...ages), this.#clock.monotonicMs());
  }

  /** Goes on reading each `REATTACH_SECONDS`, and no later than peers forget what it needs. */
  start(): void {
    if (this.#stopped) return;
    const { reattachMs, logMs } = this.#times;
    const everyMs = Math.min(reattachMs, logMs / 2);
    const round = () => void this.#round(Math.min(LINK_RETURNS_MS, everyMs));
    this.#rounds = this.#clock.setInterval(round, everyMs, { unref: true });
  }

  stop(): void {
    this.#stopped = true;
    this.#clock.clearInterval(this.#rounds);
    this.#breakOff();
    this.#peers.close();
  }

  async #round(returnsMs: number): Promise<void> {
    // The one before goes on.
    if (this.#reading !== undefined) return;
    if (this.#peers.readable().length === 0) this.#intake.heard();
    const copies = await this.#readAll(returnsMs, () => this.#stopped);
    if (copies.some(({ done }) => done)) this.#intake.heard();
  }

  async #copyPeers(isOver: () => boolean): Promise<void> {
    const { logMs, lagMs } = this.#times;
    let candidates = this.#peers.readable();
    while (candidates.length > 0) {
      const brokenOff: Peer[] = [];
      for (const peer of candidates) {
        if (isOver()) return;
        if (!this.#peers.has(peer)) continue;
        const copy = await this.#read(peer, 0);
        if (copy.done) {
          for (const epoch of copy.live) this.#awaited.add(epoch);
          if (copy.logAgeMs >= logMs + lagMs) return;
        } else if (copy.publications > 0) {
          brokenOff.push(peer);
        }
      }
      // Those whose connections were given up have new ones by now.
      const names = new Set(brokenOff.map(({ nodeId }) => nodeId));
      candidates = this.#peers.readable().filter(({ nodeId }) => names.has(nodeId));
    }
  }

  async #managersAttached(isOver: () => boolean): Promise<void> {
    const isDone = () => [...this.#awaited].every((epoch) => this.#links.hasCaughtUp(epoch));
    while (!isDone() && !isOver()) {
      await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, LOOK_MS));
    }
  }

  /** @param returnsMs a link that ended more recently is left to come back */
  async #readAll(returnsMs: number, isOver: () => boolean): Promise<PeerCopy[]> {
    const copies: PeerCopy[] = [];
    const peers = this.#peers.readable();
    const there = new Set(peers.map(({ nodeId }) => nodeId));
    for (const nodeId of this.#unread) if (!there.has(nodeId)) this.#unread.delete(nodeId);
    for (const peer of peers) {
      if (isOver()) break;
      if (!this.#peers.has(peer)) continue;
      copies.push(await this.#read(peer, returnsMs));
    }
    return copies;
  }

  /** Reads one peer. A failure is logged and counted: another peer, or the next round, has the same. */
  async #read(peer: Peer, returnsMs: number): Promise<PeerCopy> {
    const nowMs = this.#clock.monotonicMs();
    const after = this.#wanted(returnsMs, nowMs);
    const copy = new PeerCopy({
      log: this.#log,
      intake: this.#intake,
      after,
      nowMs,
      maxGoneMs: BEGIN_WITHIN_LOG_TIMES * this.#times.logMs,
    });
    const request: ReplicateRequest = {
      after: Array.from(after, ([epoch, seq]) => ({ epoch, seq: BigInt(seq) })),
      maxBytes: BigInt(this.#maxBytes),
      wantsRevocations: !this.#revocations.isWhole,
    };
    this.#reading = peer;
    try {
      await peer.connection.replicate(request, (message) => copy.take(message));
      if (!copy.done) throw new Error("the answer ended before its end");
      if (request.wantsRevocations) this.#revocations.isWhole = true;
      this.#succeeded(peer);
    } catch (err) {
      this.#failed(peer, err);
    }
    this.#reading = undefined;
    this.#metrics.copied.inc(copy.publications);
    if (copy.publications > 0) {
      const { publications, done } = copy;
      this.#logger.info({ peer: peer.nodeId, publications, done }, "copied from a peer's log");
    }
    return copy;
  }

  #succeeded({ nodeId }: Peer): void {
    this.#metrics.peerReads.inc({ result: "done" });
    if (this.#unread.delete(nodeId)) this.#logger.info({ peer: nodeId }, "a peer is read again");
  }

  #failed(peer: Peer, err: unknown): void {
    this.#peers.drop(peer);
    this.#metrics.peerReads.inc({ result: "failed" });
    if (this.#stopped) return;
    const isNews = !this.#unread.has(peer.nodeId);
    this.#unread.add(peer.nodeId);
    this.#logger[isNews ? "warn" : "debug"]({ err, peer: peer.nodeId }, "a peer was not read");
  }

  /** What this node has of each epoch, and those of which it wants nothing. */
  #wanted(returnsMs: number, nowMs: number): Position {
    const wanted = new Map<string, number>();
    for (const [epoch, state] of this.#log.epochs.entries()) {
      const { head, goneAtMs, detachedAtMs = Number.NEGATIVE_INFINITY } = state;
      const hasLink = goneAtMs === undefined || nowMs - detachedAtMs < returnsMs;
      wanted.set(epoch, hasLink ? WANTS_NOTHING : head);
    }
    return wanted;
  }

  /** Does a step of the start; when its time is over, what is being read is broken off. */
  async #withinWarmMs(step: string, work: (isOver: () => boolean) => Promise<void>): Promise<void> {
    const { warmMs } = this.#times;
    let isOver = false;
    const timer = this.#clock.setTimeout(() => {
      isOver = true;
      this.#logger.warn({ step, afterMs: warmMs }, "WARM_SECONDS ended a step of the start");
      this.#breakOff();
    }, warmMs);
    await work(() => isOver || this.#stopped);
    this.#clock.clearTimeout(timer);
  }

  #breakOff(): void {
    if (this.#reading !== undefined) this.#peers.drop(this.#reading);
  }
}
