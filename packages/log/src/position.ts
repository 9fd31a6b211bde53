/** For each epoch: all its publications up to this seq are dealt with. */
export type Position = ReadonlyMap<string, number>;

/** No position that a server sends has more entries. */
export const MAX_POSITION_ENTRIES = 100;

/**
 * The element-wise maximum of two positions; entries of `first` are kept when the cap of
 * `MAX_POSITION_ENTRIES` cuts.
 */
export function maxPosition(first: Position, second: Position): Position {
  const max = new Map<string, number>();
  for (const [epoch, seq] of first) max.set(epoch, Math.max(seq, second.get(epoch) ?? 0));
  for (const [epoch, seq] of second) {
    if (max.size >= MAX_POSITION_ENTRIES) break;
    if (!max.has(epoch)) max.set(epoch, seq);
  }
  return max;
}

/** A position with at most `MAX_POSITION_ENTRIES` entries; those of epochs in `known` stay first. */
export function capPosition(position: Position, known: Position): Position {
  if (position.size <= MAX_POSITION_ENTRIES) return position;
  const entries = [...position].sort(([a], [b]) => Number(known.has(b)) - Number(known.has(a)));
  return new Map(entries.slice(0, MAX_POSITION_ENTRIES));
}

/** Whether a publication is beyond a position. */
export function isAbove(position: Position, epoch: string, seq: number): boolean {
  return seq > (position.get(epoch) ?? 0);
}
