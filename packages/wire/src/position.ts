/** For each epoch: all its publications up to this seq are dealt with. */
export type Position = ReadonlyMap<string, number>;

/** The most entries of a position that a client may send. */
export const POSITION_ENTRIES_FROM_CLIENT = 128;

/** The most entries of a position that a server sends. */
export const POSITION_ENTRIES_FROM_SERVER = 100;

const EPOCH = /^[0-9a-f]{16}$/;

/** True for 16 lower-case hex digits. */
export function isEpoch(value: string): boolean {
  return EPOCH.test(value);
}

/**
 * Reads the JSON form, or a map of numbers: an object of at most `maxEntries` entries, each 16
 * lower-case hex digits → integer 0…2^53−1. Undefined if the value is anything else.
 */
export function parsePosition(value: unknown, maxEntries: number): Position | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  if (entries.length > maxEntries) return undefined;
  const position = new Map<string, number>();
  for (const [epoch, seq] of entries) {
    if (!isEpoch(epoch) || !Number.isSafeInteger(seq) || seq < 0) return undefined;
    position.set(epoch, seq);
  }
  return position;
}

/** The JSON form of a position. */
export function positionToJson(position: Position): Record<string, number> {
  return Object.fromEntries(position);
}

/** The protobuf form of a position. */
export function positionToProto(position: Position): { seqs: Record<string, bigint> } {
  const seqs: Record<string, bigint> = {};
  for (const [epoch, seq] of position) seqs[epoch] = BigInt(seq);
  return { seqs };
}
