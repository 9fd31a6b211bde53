import { idProblem } from "@pushcast/wire";
import type { Identity } from "../identity.ts";

export interface RoomClaimLimits {
  /** Entries of `rooms`: `MAX_ROOM_CLAIMS`. */
  readonly maxRooms: number;
  /** Entries of `auto_join`: `MAX_ROOMS_PER_SESSION`. */
  readonly maxAutoJoin: number;
}

/** What a token says of rooms, or what is wrong with it: then the token is refused as a whole. */
export type RoomClaims =
  | { readonly ok: true; readonly claims: Pick<Identity, "rooms" | "autoJoin"> }
  /** `problem` names the claim and the entry, never what stands there. */
  | { readonly ok: false; readonly problem: string };

const WILDCARD = "*";

/**
 * Reads the claims `rooms` and `auto_join` of a token that has been verified.
 *
 * An entry of `rooms` is a room's name, or a prefix: one `*` as its last character, with at least one
 * before it. A `*` elsewhere is refused, not taken as a character: who wrote it meant more, or less,
 * than it would do. `auto_join` has names only.
 */
export function readRoomClaims(
  payload: Readonly<Record<string, unknown>>,
  limits: RoomClaimLimits,
): RoomClaims {
  const rooms = payload.rooms;
  const autoJoin = payload.auto_join === undefined ? [] : payload.auto_join;
  const problem =
    (rooms === undefined
      ? undefined
      : listProblem("rooms", rooms, limits.maxRooms, roomEntryProblem)) ??
    listProblem("auto_join", autoJoin, limits.maxAutoJoin, nameProblem);
  if (problem !== undefined) return { ok: false, problem };
  return {
    ok: true,
    claims: {
      rooms: rooms as readonly string[] | undefined,
      autoJoin: [...new Set(autoJoin as readonly string[])],
    },
  };
}

/** Whether a token by itself lets its user join a room. What it joins by itself it may join again. */
export function claimsAllow(
  { rooms = [], autoJoin }: Pick<Identity, "rooms" | "autoJoin">,
  room: string,
): boolean {
  return autoJoin.includes(room) || rooms.some((entry) => matches(entry, room));
}

function matches(entry: string, room: string): boolean {
  return entry.endsWith(WILDCARD) ? room.startsWith(entry.slice(0, -1)) : room === entry;
}

function listProblem(
  claim: string,
  list: unknown,
  maxEntries: number,
  entryProblem: (entry: string) => string | undefined,
): string | undefined {
  if (!Array.isArray(list)) return `${claim} must be a list`;
  if (list.length > maxEntries) return `${claim} must have at most ${maxEntries} entries`;
  for (const [index, entry] of list.entries()) {
    const problem = typeof entry === "string" ? entryProblem(entry) : "must be a string";
    if (problem !== undefined) return `${claim}[${index}] ${problem}`;
  }
  return undefined;
}

function roomEntryProblem(entry: string): string | undefined {
  if (entry === WILDCARD) return "must have at least one character before its *";
  const at = entry.indexOf(WILDCARD);
  if (at !== -1 && at !== entry.length - 1) return "may have a * only as its last character";
  return idProblem(entry);
}

function nameProblem(entry: string): string | undefined {
  return entry.includes(WILDCARD) ? "must be a room's name, without *" : idProblem(entry);
}
