import { expect, test } from "vitest";
import { Screen } from "./screen.ts";

function screenOf(rows: number): { screen: Screen; written: string[] } {
  const written: string[] = [];
  const output = { rows, control: (sequence: string) => void written.push(sequence) };
  return { screen: new Screen(output), written };
}

test("what was shown is replaced, however high it was", () => {
  const { screen, written } = screenOf(Number.POSITIVE_INFINITY);
  screen.show(["a", "b"]);
  screen.show(["c"]);
  screen.show(["d"]);
  expect(written).toEqual(["\r\u001b[Ja\nb\n", "\u001b[2F\u001b[Jc\n", "\u001b[1F\u001b[Jd\n"]);
});

test("lines beyond the terminal's height are counted, not shown", () => {
  const { screen, written } = screenOf(4);
  screen.show(["a", "b", "c", "d", "e"]);
  expect(written).toEqual(["\r\u001b[Ja\nb\n… and 3 more lines\n"]);
});
