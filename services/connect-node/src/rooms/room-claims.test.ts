import { expect, test } from "vitest";
import { claimsAllow, readRoomClaims } from "./room-claims.ts";

const LIMITS = { maxRooms: 3, maxAutoJoin: 2 };
const read = (payload: Record<string, unknown>) => readRoomClaims(payload, LIMITS);

test("a token that says nothing of rooms has none, and joins none", () => {
  expect(read({ sub: "ann" })).toEqual({ ok: true, claims: { rooms: undefined, autoJoin: [] } });
});

test("names and prefixes are taken as they stand, and auto_join names each room once", () => {
  expect(read({ rooms: ["lobby", "chat:*"], auto_join: ["lobby", "lobby"] })).toEqual({
    ok: true,
    claims: { rooms: ["lobby", "chat:*"], autoJoin: ["lobby"] },
  });
});

test.each<[Record<string, unknown>, string]>([
  [{ rooms: "lobby" }, "rooms must be a list"],
  [{ rooms: null }, "rooms must be a list"],
  [{ rooms: { 0: "lobby" } }, "rooms must be a list"],
  [{ rooms: ["a", "b", "c", "d"] }, "rooms must have at most 3 entries"],
  [{ rooms: ["a", 7] }, "rooms[1] must be a string"],
  [{ rooms: [""] }, "rooms[0] must not be empty"],
  [{ rooms: ["*"] }, "rooms[0] must have at least one character before its *"],
  [{ rooms: ["a*b"] }, "rooms[0] may have a * only as its last character"],
  [{ rooms: ["a**"] }, "rooms[0] may have a * only as its last character"],
  [{ rooms: ["**"] }, "rooms[0] may have a * only as its last character"],
  [{ rooms: ["a\nb"] }, "rooms[0] must be UTF-8 without control characters"],
  [{ rooms: ["\ud800*"] }, "rooms[0] must be UTF-8 without control characters"],
  [{ rooms: ["é".repeat(129)] }, "rooms[0] must be at most 256 bytes of UTF-8"],
  [{ auto_join: "lobby" }, "auto_join must be a list"],
  [{ auto_join: null }, "auto_join must be a list"],
  [{ auto_join: ["a", "b", "c"] }, "auto_join must have at most 2 entries"],
  [{ auto_join: ["chat:*"] }, "auto_join[0] must be a room's name, without *"],
  [{ auto_join: ["a", ""] }, "auto_join[1] must not be empty"],
])("%j is refused: %s", (payload, problem) => {
  expect(read(payload)).toEqual({ ok: false, problem });
});

test.each<[string[] | undefined, string[], string, boolean]>([
  [undefined, [], "lobby", false],
  [[], [], "lobby", false],
  [["lobby"], [], "lobby", true],
  [["lobby"], [], "lobby-2", false],
  [["lobby"], [], "Lobby", false],
  [["lobby-2"], [], "lobby", false],
  [["chat:*"], [], "chat:7", true],
  [["chat:*"], [], "chat:", true],
  [["chat:*"], [], "chat", false],
  [["chat:*"], [], "xchat:7", false],
  [["chat:*"], [], "chat:*", true],
  [["chat.*"], [], "chatty", false],
  [undefined, ["lobby"], "lobby", true],
  [undefined, ["lobby"], "lobby-2", false],
])("rooms %j with auto_join %j allow %s: %s", (rooms, autoJoin, room, allowed) => {
  expect(claimsAllow({ rooms, autoJoin }, room)).toBe(allowed);
});
