import type { ReplicateRequest } from "@pushcast/api";
import { isAbove, type Position } from "@pushcast/log";
import type { NodeLog } from "./node-log.ts";
import type { PeerEpoch, ReplicateMessage } from "./replicate-message.ts";

/** In `after`: of this epoch the reader wants nothing, because it has a link to its manager. */
export const WANTS_NOTHING = Number.MAX_SAFE_INTEGER;

/** What one message holds at most: one turn of the event loop, which live delivery waits for. */
export interface ReadBudget {
  readonly bytes: number;
  readonly entries: number;
}

/** A peer that hears nothing for 3 s gives up, also where this node only looks at what it does not want. */
const SIGN_OF_LIFE_MS = 1_000;

const TURN_BUDGET: ReadBudget = { bytes: 512 * 1024, entries: 512 };

export interface LogRead {
  /** For each epoch what the reader has, or `WANTS_NOTHING`; of others it wants everything. */
  readonly after: Position;
  /** Of encoded publications; the oldest are left out. */
  readonly maxBytes: number;
}

export function toLogRead({
  after,
  maxBytes,
}: Pick<ReplicateRequest, "after" | "maxBytes">): LogRead {
  return {
    after: new Map(after.map(({ epoch, seq }) => [epoch, Number(seq)])),
    maxBytes: maxBytes === 0n ? Number.POSITIVE_INFINITY : Number(maxBytes),
  };
}

/**
 * Reads this node's log for a peer: first the table, then the publications in log order. For each
 * `next()` one message, read at that moment, so that the log may grow and evict between them. Each has
 * the table as it is then: what was evicted before it was read stands in the tails, and a hole stands
 * there before a publication behind it is sent. Publications whose epoch is forgotten are left out: a
 * copied one may outlive its epoch.
 */
export function* readLog(
  log: NodeLog,
  { after, maxBytes }: LogRead,
  monotonicMs: () => number,
  budget: ReadBudget = TURN_BUDGET,
): Generator<ReplicateMessage, void> {
  let offset = hasAnyAbove(log, after) ? log.offsetOf(after) : log.end;
  const leftOut = new Map<string, number>();
  offset = leaveOutOldest(log, offset, after, maxBytes, leftOut);
  const message = (publications: readonly Uint8Array[], done: boolean): ReplicateMessage => {
    const nowMs = monotonicMs();
    const epochs = tableFor(log, after, leftOut, nowMs);
    return { epochs, publications, done, logAgeMs: log.ageMs(nowMs) };
  };
  if (offset < log.end) yield message([], false);
  for (;;) {
    offset = Math.max(offset, log.start);
    const publications: Uint8Array[] = [];
    let bytes = 0;
    for (let looked = 0; looked < budget.entries && bytes < budget.bytes; looked += 1) {
      const entry = log.at(offset);
      if (entry === undefined) break;
      offset += 1;
      const { epoch, seq } = entry.publication;
      if (!isAbove(after, epoch, seq) || log.epochs.get(epoch) === undefined) continue;
      publications.push(entry.encoded);
      bytes += entry.encoded.byteLength;
    }
    const done = offset >= log.end;
    yield message(publications, done);
    if (done) return;
  }
}

/**
 * What a peer is answered: the messages of `readLog`, without those that say nothing, but for one now
 * and then that tells that this node is alive.
 * @yields undefined for a turn in which nothing is sent
 */
export function* answerPeer(
  log: NodeLog,
  read: LogRead,
  monotonicMs: () => number,
  budget?: ReadBudget,
): Generator<ReplicateMessage | undefined, void> {
  let saidAtMs = Number.NEGATIVE_INFINITY;
  for (const message of readLog(log, read, monotonicMs, budget)) {
    const nowMs = monotonicMs();
    const saysNothing = message.publications.length === 0 && !message.done;
    if (saysNothing && nowMs - saidAtMs < SIGN_OF_LIFE_MS) {
      yield undefined;
    } else {
      saidAtMs = nowMs;
      yield message;
    }
  }
}

function hasAnyAbove(log: NodeLog, after: Position): boolean {
  for (const [epoch, { head }] of log.epochs.entries())
    if (isAbove(after, epoch, head)) return true;
  return false;
}

/** The offset from which on all fits; the seqs of what is left out before it go to `leftOut`. */
function leaveOutOldest(
  log: NodeLog,
  from: number,
  after: Position,
  maxBytes: number,
  leftOut: Map<string, number>,
): number {
  // So it is wherever LOG_BYTES is the same: then no turn is spent on looking at every entry.
  if (log.bytes <= maxBytes) return from;
  let bytes = 0;
  let start = log.end;
  for (; start > from; start -= 1) {
    const entry = log.at(start - 1);
    if (entry === undefined) break;
    const { epoch, seq } = entry.publication;
    if (isAbove(after, epoch, seq)) bytes += entry.encoded.byteLength;
    if (bytes > maxBytes) break;
  }
  for (let offset = Math.max(from, log.start); offset < start; offset += 1) {
    const publication = log.at(offset)?.publication;
    if (publication === undefined || !isAbove(after, publication.epoch, publication.seq)) continue;
    leftOut.set(publication.epoch, publication.seq);
  }
  return start;
}

function tableFor(
  log: NodeLog,
  after: Position,
  leftOut: Position,
  nowMs: number,
): readonly PeerEpoch[] {
  const table: PeerEpoch[] = [];
  for (const [epoch, { tail, head, holes, goneAtMs }] of log.epochs.entries()) {
    if (after.get(epoch) === WANTS_NOTHING) continue;
    const tailSeq = Math.max(tail, leftOut.get(epoch) ?? 0);
    table.push({
      epoch,
      tailSeq,
      headSeq: head,
      holes: holes.flatMap(({ after: first, through }) =>
        through <= tailSeq ? [] : [{ after: Math.max(first, tailSeq), through }],
      ),
      live: goneAtMs === undefined,
      goneMs: goneAtMs === undefined ? 0 : nowMs - goneAtMs,
    });
  }
  return table;
}
