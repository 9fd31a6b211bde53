import { expect, test } from "vitest";
import { RoomTurns } from "./room-turns.ts";

function take(turns: RoomTurns, count: number, memberShare: number) {
  return Array.from({ length: count }, () => turns.next(memberShare));
}

test("rooms with members take turns, and each counts its own pushes", () => {
  const turns = new RoomTurns(2);
  expect(take(turns, 3, 1)).toEqual([
    { room: 0, n: 0 },
    { room: 1, n: 0 },
    { room: 0, n: 1 },
  ]);
  expect(turns.through).toEqual([2, 1]);
});

test("the share of rooms with members is kept, and the others are behind them", () => {
  const turns = new RoomTurns(4);
  const rooms = take(turns, 100, 0.25).map(({ room }) => room);
  expect(rooms.filter((room) => room < 4)).toHaveLength(25);
  expect(Math.max(...rooms)).toBe(7);
  expect(turns.through.reduce((total, next) => total + next, 0)).toBe(25);
});
