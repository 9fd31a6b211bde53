/**
 * What holds at every moment of a process that keeps an epoch table. Each function gives what does
 * not hold, in words, and an empty list where all is well: for model tests and for looking into a
 * process that misbehaves, not for a hot path.
 */
import type { EpochState, EpochTable } from "./epoch-table.ts";

/** A publication, by its place in its manager's log. */
export interface PublicationPlace {
  readonly epoch: string;
  readonly seq: number;
}

/** Of one table, from one look at it to the next: a head only grows, until its epoch is forgotten. */
export class HeadWatch {
  readonly #heads = new Map<string, number>();

  look(table: EpochTable): string[] {
    const problems: string[] = [];
    for (const epoch of this.#heads.keys()) {
      if (table.get(epoch) === undefined) this.#heads.delete(epoch);
    }
    for (const [epoch, { head }] of table.entries()) {
      const before = this.#heads.get(epoch) ?? 0;
      if (head < before) problems.push(`${epoch}: the head went from ${before} back to ${head}`);
      this.#heads.set(epoch, head);
    }
    return problems;
  }
}

/** The holes of an epoch are ascending, disjoint, not empty, and between its tail and its head. */
export function misshapenEpochs(table: EpochTable): string[] {
  const problems: string[] = [];
  for (const [epoch, { tail, head, holes }] of table.entries()) {
    if (tail > head) problems.push(`${epoch}: the tail ${tail} is above the head ${head}`);
    let end = tail;
    for (const { after, through } of holes) {
      if (after < end || through <= after || through > head) {
        problems.push(`${epoch}: the hole (${after}, ${through}] is out of place`);
      }
      end = through;
    }
  }
  return problems;
}

/**
 * Everything of (tail, head] that is not in a hole is in the log.
 *
 * @param inLog what the log holds
 * @param kept what was sent to this process and is to be kept: neither what is ephemeral, nor what
 *   was dropped because its idempotency key was known
 */
export function lackingInLog(
  table: EpochTable,
  inLog: Iterable<PublicationPlace>,
  kept: Iterable<PublicationPlace>,
): string[] {
  const held = new Set<string>();
  for (const { epoch, seq } of inLog) held.add(`${epoch}-${seq}`);
  const problems: string[] = [];
  for (const { epoch, seq } of kept) {
    const state = table.get(epoch);
    if (state === undefined || !isClaimed(state, seq)) continue;
    if (!held.has(`${epoch}-${seq}`)) problems.push(`${epoch}-${seq} is not in the log`);
  }
  return problems;
}

function isClaimed({ tail, head, holes }: Readonly<EpochState>, seq: number): boolean {
  if (seq <= tail || seq > head) return false;
  return !holes.some(({ after, through }) => seq > after && seq <= through);
}
