/** The rpcs that a caller may be given. A PushStream is none: each push in it is judged by its own. */
export const RPCS = [
  "PushToRoom",
  "PushToUser",
  "BroadcastMessage",
  "JoinRoom",
  "LeaveRoom",
  "DisconnectUser",
  "GetRoom",
  "GetUser",
  "ListNodes",
] as const;

export type Rpc = (typeof RPCS)[number];

/** What one caller may do. */
export interface Rights {
  readonly rpcs: ReadonlySet<Rpc>;
  readonly rooms: RoomPatterns;
}

/** Room ids, and beginnings of them: those that end in `*`. */
export class RoomPatterns {
  readonly #exact: ReadonlySet<string>;
  readonly #prefixes: readonly string[];

  constructor(patterns: readonly string[]) {
    this.#exact = new Set(patterns.filter((pattern) => !pattern.endsWith("*")));
    this.#prefixes = patterns
      .filter((pattern) => pattern.endsWith("*"))
      .map((pattern) => pattern.slice(0, -1));
  }

  has(roomId: string): boolean {
    return this.#exact.has(roomId) || this.#prefixes.some((prefix) => roomId.startsWith(prefix));
  }
}

/** The rpcs that say something of a room, whatever else they name. */
const OF_A_ROOM: ReadonlySet<Rpc> = new Set(["PushToRoom", "JoinRoom", "LeaveRoom", "GetRoom"]);

/**
 * What is missing for a call, if so.
 * @param roomId empty where none is named; a push to a user needs a right to the room only if it names one
 */
export function missingRight(
  rights: Rights,
  rpc: Rpc,
  roomId: string,
): "RPC_FORBIDDEN" | "ROOM_FORBIDDEN" | undefined {
  if (!rights.rpcs.has(rpc)) return "RPC_FORBIDDEN";
  const isJudged = OF_A_ROOM.has(rpc) || roomId !== "";
  return isJudged && !rights.rooms.has(roomId) ? "ROOM_FORBIDDEN" : undefined;
}
