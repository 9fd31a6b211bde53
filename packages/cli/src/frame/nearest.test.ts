import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

const COMMANDS = ["dev", "push", "tail", "nodes", "room", "user", "token", "disconnect"];

test.each([
  ["psuh", "push"],
  ["tial", "tail"],
  ["node", "nodes"],
  ["disconect", "disconnect"],
  ["tokne", "token"],
  ["disc", "disconnect"],
])("%s was meant to be %s", (typed, meant) => {
  expect(nearest(typed, COMMANDS)).toBe(meant);
});

test.each(["serve", "x", "", "publish"])("%j is like none", (typed) => {
  expect(nearest(typed, COMMANDS)).toBeUndefined();
});
