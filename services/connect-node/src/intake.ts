import type { Publication } from "@pushcast/log";
import type { Clock } from "@pushcast/runtime";
import type { Revocation } from "./auth/revocations.ts";
import { DeliverError, type DeliverMessage } from "./deliver-message.ts";
import type { Delivery, Outcome } from "./delivery.ts";
import type { DeliveryTracing } from "./delivery-tracing.ts";
import type { NodeMetrics } from "./metrics.ts";
import { type NodeEntry, type NodeLog, type OwnPublication, ownPublication } from "./node-log.ts";
import type { RoomTails } from "./room-tails.ts";

/** RFC 6455 §5.5: a close frame has 125 bytes, two of them the code. */
const MAX_REASON_BYTES = 123;

/** What a publication came to on this node. */
export interface SeqOutcome extends Outcome {
  readonly seq: number;
  /** The node had its idempotency key; the counts are the first's. */
  readonly duplicate: boolean;
}

/**
 * Takes in what links bring: puts each publication into the log once, has it delivered, and moves
 * the epoch's head. What the node has already is dropped, by position and by idempotency key.
 */
export class Intake {
  readonly #log: NodeLog;
  readonly #delivery: Delivery;
  readonly #tails: RoomTails;
  readonly #clock: Clock;
  readonly #metrics: NodeMetrics;
  readonly #logMs: number;
  readonly #onInvalid: (publication: Publication) => void;
  readonly #tracing: DeliveryTracing | undefined;
  #heardAtMs: number;
  /** For each key in the log what its first publication came to. */
  readonly #keys = new Map<string, Outcome>();

  constructor(init: {
    log: NodeLog;
    delivery: Delivery;
    tails: RoomTails;
    clock: Clock;
    metrics: NodeMetrics;
    /** `LOG_SECONDS` */
    logMs: number;
    /** A publication would break a frame or a close, and is skipped. */
    onInvalid: (publication: Publication) => void;
    /** @default nothing is traced */
    tracing?: DeliveryTracing | undefined;
  }) {
    this.#log = init.log;
    this.#delivery = init.delivery;
    this.#tails = init.tails;
    this.#clock = init.clock;
    this.#metrics = init.metrics;
    this.#logMs = init.logMs;
    this.#onInvalid = init.onInvalid;
    this.#tracing = init.tracing;
    this.#heardAtMs = init.clock.monotonicMs();
  }

  /** An entry has left the log, and its key with it. */
  evicted({ publication }: NodeEntry): void {
    if (publication.idempotencyKey !== "") this.#keys.delete(publication.idempotencyKey);
  }

  /**
   * The node has heard of the others: by a link, or because it has read its peers. After a silence of
   * more than `LOG_SECONDS` they may have forgotten a manager that has died meanwhile, with what it gave
   * to them. Nobody can tell then what is missing here, so the sessions are told that something may be.
   */
  heard(): void {
    const nowMs = this.#clock.monotonicMs();
    const silentMs = nowMs - this.#heardAtMs;
    this.#heardAtMs = nowMs;
    if (silentMs <= this.#logMs) return;
    this.#log.begin(0, nowMs);
    this.#lost("silence");
  }

  /**
   * A link of an epoch is there. Returns after what it is to go on; undefined if the epoch is new. It
   * is below the head where commands came by a copy only: those are carried out when it brings them.
   */
  attach(epoch: string, tailSeq: number): number | undefined {
    this.heard();
    const known = this.#log.epochs.get(epoch);
    const { head, uncarriedFrom } = this.#log.epochs.attach(epoch, tailSeq);
    if (known !== undefined) return uncarriedFrom === undefined ? head : uncarriedFrom - 1;
    if (tailSeq > 0) this.#lost("link");
    return undefined;
  }

  /** The link of an epoch has ended. */
  detach(epoch: string): void {
    this.#log.epochs.detach(epoch, this.#clock.monotonicMs());
  }

  /** The highest seq of an epoch that is dealt with. */
  head(epoch: string): number {
    return this.#log.epochs.get(epoch)?.head ?? 0;
  }

  /**
   * Takes in one message of a link.
   * @param attachHead the manager's head as the link began: what is at or below may be old news
   * @returns the outcomes of publications that matched somebody or were duplicates
   * @throws DeliverError; what came before the fault has been taken in
   */
  take(epoch: string, message: DeliverMessage, attachHead: number): SeqOutcome[] {
    this.heard();
    this.skipTo(epoch, message.afterSeq);
    const outcomes: SeqOutcome[] = [];
    for (const bytes of message.publications) {
      const { encoded, publication } = decode(bytes);
      if (publication.epoch !== epoch || publication.seq > message.throughSeq) {
        throw new DeliverError("a publication is not of its message's epoch and range");
      }
      if (publication.seq <= this.head(epoch)) {
        const outcome = this.#carryOutCopied(publication);
        if (outcome !== undefined) outcomes.push(outcome);
        continue;
      }
      if (!isDeliverable(publication)) {
        // Skipped, not refused: the manager would send it again for ever.
        this.#skip(publication);
        this.advance(epoch, publication.seq);
        continue;
      }
      const outcome = this.#takeOne(encoded, publication, attachHead);
      this.advance(epoch, publication.seq);
      if (outcome.duplicate || outcome.delivered > 0 || outcome.lagging > 0) outcomes.push(outcome);
    }
    this.advance(epoch, message.throughSeq);
    this.#log.epochs.commandsCarriedOut(epoch, message.throughSeq);
    return outcomes;
  }

  /** A peer has told of an epoch without a link here. One that is new begins at the peer's tail. */
  copiedEpoch(epoch: string, tailSeq: number, goneAtMs: number): void {
    const isNew = this.#log.epochs.get(epoch) === undefined;
    this.#log.epochs.copied(epoch, tailSeq, goneAtMs);
    if (isNew && tailSeq > 0) this.#lost("link");
  }

  /** Everything above the head and up to `afterSeq` is lost; the sessions are told. */
  skipTo(epoch: string, afterSeq: number): void {
    if (this.#log.epochs.skipTo(epoch, afterSeq)) this.#lost("link");
  }

  /** Everything of an epoch up to `throughSeq` is dealt with. */
  advance(epoch: string, throughSeq: number): void {
    this.#log.epochs.advance(epoch, throughSeq);
  }

  /** @throws DeliverError */
  readCopied(bytes: Uint8Array): OwnPublication {
    return decode(bytes);
  }

  /**
   * Takes in a publication from a peer's log. It is delivered and kept like one of a link, but not
   * counted as received, and a command is only kept: it may be older than the sessions here. Tokens that
   * it revokes are refused at once: they say themselves how old they are. It stays as long as one that came now, whatever the clocks of the two nodes say.
   */
  takeCopied({ encoded, publication }: OwnPublication): void {
    const { epoch, seq, idempotencyKey, ephemeral } = publication;
    if (seq <= this.head(epoch)) return;
    if (!isDeliverable(publication) || ephemeral) {
      this.#skip(publication);
    } else if (!this.#keys.has(idempotencyKey)) {
      const entry = this.#log.entry(encoded, publication, this.#clock.monotonicMs());
      if (publication.command === undefined) {
        const outcome = this.#delivery.deliver(entry);
        this.#tails.offer(entry);
        if (idempotencyKey !== "") this.#keys.set(idempotencyKey, outcome);
      } else {
        this.#delivery.revokeBy(publication.command);
      }
      this.#log.append(entry);
      if (publication.command !== undefined && this.#delivery.hasSessions) {
        this.#log.epochs.commandCopied(epoch, seq);
      }
    }
    this.advance(epoch, seq);
  }

  /** A peer refuses these tokens. */
  takeRevocation(revocation: Revocation): void {
    this.#delivery.revoke(revocation);
  }

  /** Delivers a publication that belongs to no manager and is not kept. */
  deliverOnly(publication: Publication): Outcome {
    const entry = this.#log.entry(Buffer.alloc(0), publication, this.#clock.monotonicMs());
    return this.#deliver(entry);
  }

  /** Carries out a command that the node has from a peer's log, now that its manager has brought it. */
  #carryOutCopied(publication: Publication): SeqOutcome | undefined {
    const { epoch, seq, command, atMs } = publication;
    const from = this.#log.epochs.get(epoch)?.uncarriedFrom;
    if (command === undefined || from === undefined || seq < from) return undefined;
    if (!isDeliverable(publication)) {
      this.#skip(publication);
      return undefined;
    }
    const outcome = this.#delivery.carryOut(command, atMs);
    return outcome.delivered > 0 ? { seq, ...outcome, duplicate: false } : undefined;
  }

  #skip(publication: Publication): void {
    this.#metrics.invalid.inc();
    this.#onInvalid(publication);
  }

  #takeOne(encoded: Buffer, publication: Publication, attachHead: number): SeqOutcome {
    const { seq, idempotencyKey, command, ephemeral } = publication;
    const first = this.#keys.get(idempotencyKey);
    if (first !== undefined) {
      this.#traceRepeat(publication);
      return { seq, ...first, duplicate: true };
    }
    const entry = this.#log.entry(encoded, publication, this.#clock.monotonicMs());
    if (command !== undefined) {
      // A command that waited for this link is not for sessions that began after it.
      const openedBeforeMs = seq <= attachHead ? publication.atMs : undefined;
      const outcome = this.#delivery.carryOut(command, openedBeforeMs);
      this.#log.append(entry);
      return { seq, ...outcome, duplicate: false };
    }
    const outcome = this.#deliver(entry);
    this.#tails.offer(entry);
    if (!ephemeral) {
      if (idempotencyKey !== "") this.#keys.set(idempotencyKey, outcome);
      this.#log.append(entry);
    }
    return { seq, ...outcome, duplicate: false };
  }

  #deliver(entry: NodeEntry): Outcome {
    const { publication } = entry;
    const span =
      publication.traceparent === undefined ? undefined : this.#tracing?.begin(publication);
    const outcome = this.#delivery.deliver(entry);
    if (span !== undefined) this.#tracing?.matched(span, entry, outcome);
    const hasUsers = outcome.delivered > 0 || outcome.lagging > 0;
    this.#metrics.received[hasUsers ? "true" : "false"] += 1;
    return outcome;
  }

  #traceRepeat(publication: Publication): void {
    const span = this.#tracing?.begin(publication);
    if (span !== undefined) this.#tracing?.repeated(span);
  }

  #lost(reason: "link" | "silence"): void {
    this.#metrics.gaps.inc({ reason });
    this.#delivery.sayGap();
  }
}

/** Whether nothing in it breaks a frame or a close. Content and ids are the manager's to check. */
function isDeliverable({ atMs, command }: Publication): boolean {
  if (!Number.isSafeInteger(atMs) || atMs < 0) return false;
  if (command?.kind?.$case !== "disconnect") return true;
  const { code, reason, revokeIssuedBeforeMs } = command.kind.value;
  if (revokeIssuedBeforeMs < 0n || revokeIssuedBeforeMs > Number.MAX_SAFE_INTEGER) return false;
  return code >= 4000 && code <= 4999 && Buffer.byteLength(reason) <= MAX_REASON_BYTES;
}

function decode(bytes: Uint8Array): OwnPublication {
  try {
    return ownPublication(bytes);
  } catch (cause) {
    throw new DeliverError("bytes that are no publication", { cause });
  }
}
