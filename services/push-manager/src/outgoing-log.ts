import { DeliverRequest } from "@pushcast/api";
import {
  BoundedLog,
  encodePublicationField,
  type LogBounds,
  type LogEntry,
  type Publication,
} from "@pushcast/log";

/** A publication before the log gives it its epoch and seq. */
export type NewPublication = Omit<Publication, "epoch" | "seq">;

/** One DeliverRequest, encoded: the same bytes go to every link whose cursor is at the same place. */
export interface Batch {
  /** Above the cursor that asked if the log has lost what lies between. */
  readonly afterSeq: number;
  readonly throughSeq: number;
  /** Whether the ephemeral publications of (afterSeq, throughSeq] are in it too. */
  readonly holdsEphemeral: boolean;
  readonly message: Buffer;
}

interface Entry extends LogEntry {
  readonly seq: number;
  /** As a field of a DeliverRequest. */
  readonly field: Buffer;
  /** The cost of all entries that were appended before it. */
  readonly bytesBefore: number;
}

/** A batch is no longer than this, unless a single publication is. */
export const BATCH_BYTES = 1024 * 1024;

/** What an entry costs beside its bytes: the objects, and the slots that point to them. */
const ENTRY_OVERHEAD_BYTES = 160;

const PUBLICATIONS_FIELD = 4;

/** Links that are behind stand at many cursors; only the batches built last are worth keeping. */
const MAX_CACHED_BATCHES = 4;

/** A message of the Deliver stream that has no publications: a heartbeat, or the final one. */
export function emptyRequest(seq: number, final = false): Buffer {
  return Buffer.from(header(seq, seq, final));
}

function header(afterSeq: number, throughSeq: number, final: boolean): Uint8Array {
  return DeliverRequest.encode({
    hello: undefined,
    afterSeq: BigInt(afterSeq),
    throughSeq: BigInt(throughSeq),
    publications: [],
    final,
  }).finish();
}

/**
 * What this manager has accepted, each publication encoded once. Durable ones stay within the
 * bounds; ephemeral ones are held until the turn ends, for the cursors that are not behind.
 */
export class OutgoingLog {
  readonly epoch: string;
  readonly #log: BoundedLog<Entry>;
  /** Everything appended in this turn: seqs from `#turnSeq` + 1 to the head, none left out. */
  #turn: Entry[] = [];
  #turnSeq = 0;
  #turnBytes = 0;
  #turnEphemeral = false;
  #tailSeq = 0;
  #headSeq = 0;
  #appendedBytes = 0;
  readonly #batches = new Map<number, Batch>();

  constructor(epoch: string, bounds: LogBounds) {
    this.epoch = epoch;
    this.#log = new BoundedLog<Entry>(bounds, (entry) => {
      this.#tailSeq = entry.seq;
    });
  }

  /** At or below it the log lacks publications that are not ephemeral. */
  get tailSeq(): number {
    return this.#tailSeq;
  }

  get headSeq(): number {
    return this.#headSeq;
  }

  /** The cost of what is held. */
  get bytes(): number {
    return this.#log.bytes;
  }

  /** Encoded bytes appended in this turn. */
  get turnBytes(): number {
    return this.#turnBytes;
  }

  /** Whether an ephemeral publication was appended in this turn. */
  get turnHasEphemeral(): boolean {
    return this.#turnEphemeral;
  }

  /** Encodes and keeps it. Returns its seq. */
  append(publication: NewPublication, nowMs: number): number {
    const seq = this.#headSeq + 1;
    const field = encodePublicationField(PUBLICATIONS_FIELD, {
      epoch: this.epoch,
      seq,
      roomId: publication.roomId,
      userIds: publication.userIds,
      excludeUserIds: publication.excludeUserIds,
      content: publication.content,
      contentType: publication.contentType,
      idempotencyKey: publication.idempotencyKey,
      ephemeral: publication.ephemeral,
      atMs: publication.atMs,
      ...(publication.command !== undefined && { command: publication.command }),
      traceparent: publication.traceparent,
    });
    const entry: Entry = {
      seq,
      field,
      bytes: field.byteLength + ENTRY_OVERHEAD_BYTES,
      bytesBefore: this.#appendedBytes,
      appendedAtMs: nowMs,
    };
    this.#headSeq = seq;
    this.#turn.push(entry);
    this.#turnBytes += field.byteLength;
    this.#batches.clear();
    if (publication.ephemeral) {
      this.#turnEphemeral = true;
    } else {
      this.#appendedBytes += entry.bytes;
      this.#log.append(entry);
    }
    return seq;
  }

  /** What a cursor that stands at `cursorSeq` is to be sent next; undefined if it has everything. */
  batchAfter(cursorSeq: number): Batch | undefined {
    if (cursorSeq >= this.#headSeq) return undefined;
    let batch = this.#batches.get(cursorSeq);
    if (batch === undefined) {
      batch = cursorSeq >= this.#turnSeq ? this.#turnBatch(cursorSeq) : this.#logBatch(cursorSeq);
      if (this.#batches.size >= MAX_CACHED_BATCHES) {
        this.#batches.delete(this.#batches.keys().next().value as number);
      }
      this.#batches.set(cursorSeq, batch);
    }
    return batch;
  }

  /** Lets go of the ephemeral publications: a cursor below the head is behind from now on. */
  endTurn(): void {
    this.#turn = [];
    this.#turnSeq = this.#headSeq;
    this.#turnBytes = 0;
    this.#turnEphemeral = false;
    this.#batches.clear();
  }

  /** The owner calls it now and then. Batches for cursors that were behind go, too. */
  evictExpired(nowMs: number): void {
    this.#log.evictExpired(nowMs);
    this.#batches.clear();
  }

  /**
   * The seq below which a cursor lags by more than `bytes` of what the log holds; 0 if none can.
   */
  lagLimitSeq(bytes: number): number {
    const firstWithin = this.#log.firstNot(
      (entry) => this.#appendedBytes - entry.bytesBefore > bytes,
    );
    return this.#log.at(firstWithin - 1)?.seq ?? 0;
  }

  #turnBatch(afterSeq: number): Batch {
    const first = afterSeq - this.#turnSeq;
    const fields: Buffer[] = [];
    let bytes = 0;
    for (let index = first; index < this.#turn.length; index += 1) {
      const { field } = this.#turn[index] as Entry;
      if (fields.length > 0 && bytes + field.byteLength > BATCH_BYTES) break;
      fields.push(field);
      bytes += field.byteLength;
    }
    return batch(afterSeq, afterSeq + fields.length, fields, true);
  }

  #logBatch(cursorSeq: number): Batch {
    const afterSeq = Math.max(cursorSeq, this.#tailSeq);
    const fields: Buffer[] = [];
    let bytes = 0;
    let throughSeq = afterSeq;
    for (let offset = this.#log.firstNot((entry) => entry.seq <= afterSeq); ; offset += 1) {
      const entry = this.#log.at(offset);
      if (entry === undefined) {
        throughSeq = this.#headSeq;
        break;
      }
      if (fields.length > 0 && bytes + entry.field.byteLength > BATCH_BYTES) break;
      fields.push(entry.field);
      bytes += entry.field.byteLength;
      throughSeq = entry.seq;
    }
    return batch(afterSeq, throughSeq, fields, false);
  }
}

function batch(
  afterSeq: number,
  throughSeq: number,
  fields: Buffer[],
  holdsEphemeral: boolean,
): Batch {
  const message = Buffer.concat([header(afterSeq, throughSeq, false), ...fields]);
  return { afterSeq, throughSeq, holdsEphemeral, message };
}
