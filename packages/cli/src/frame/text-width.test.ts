import { expect, test } from "vitest";
import { fitted, padded, textWidth } from "./text-width.ts";

test.for([
  ["lobby", 5],
  ["房间", 4],
  ["部屋1", 5],
  ["방", 2],
  ["ｗｉｄｅ", 8],
  ["e\u0301", 1],
  ["👩‍👩‍👧", 2],
  ["🇩🇪", 2],
  ["", 0],
] as const)("%s takes %d cells", ([text, cells]) => {
  expect(textWidth(text)).toBe(cells);
});

test("a text is cut between characters, so that it and the ellipsis fit", () => {
  expect(fitted("lobby", 5)).toBe("lobby");
  expect(fitted("lobbies", 5)).toBe("lobb…");
  expect(fitted("房间房间", 5)).toBe("房间…");
  expect(fitted("房间房间", 4)).toBe("房…");
});

test("a text is filled up to cells, not to characters", () => {
  expect(padded("房间", 6)).toBe("房间  ");
  expect(padded("房间", 6, "right")).toBe("  房间");
  expect(padded("too long", 3)).toBe("too long");
});
