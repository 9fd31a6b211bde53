import { expect, test } from "vitest";
import { situation } from "./situation.ts";

const BASE = { nodes: 10, managers: 2, pushes: 1_000, contentBytes: 128, rooms: 100, members: 5 };

test("rooms with fewer members than there are nodes match on some of them only", () => {
  const { matched, matchedNodes, deliveries } = situation(BASE);
  expect(matchedNodes).toBe(5);
  expect(matched).toBe(500);
  expect(deliveries).toBe(500);
});

test("rooms with more members than nodes match on all, with several deliveries each", () => {
  const { matched, deliveries, sends } = situation({ ...BASE, members: 40 });
  expect(matched).toBe(1_000);
  expect(deliveries).toBe(4_000);
  expect(sends).toBe(4_000);
});

test("pushes to a room that come together are written once", () => {
  const { sends, deliveries } = situation({ ...BASE, rooms: 1, groups: 200 });
  expect(deliveries).toBe(500);
  expect(sends).toBe(50);
});

test("pushes to rooms that nobody is in match nowhere", () => {
  const { matched, sends } = situation({ ...BASE, memberShare: 0 });
  expect([matched, sends]).toEqual([0, 0]);
});

test("each node pings its own sessions and reads all others, also without any push", () => {
  const idle = situation({ ...BASE, pushes: 0, sessions: 5_000 });
  expect(idle.pings).toBe(20);
  expect(idle.peerReads).toBe(0.9);
  expect(idle.sends).toBe(0);
});
