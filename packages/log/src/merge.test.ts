import fc from "fast-check";
import { expect, test } from "vitest";
import { type Cursor, OffsetMerge } from "./merge.ts";
import { OffsetList } from "./offset-list.ts";

function listOf(offsets: readonly number[]): OffsetList {
  const list = new OffsetList();
  for (const offset of offsets) list.append(offset);
  return list;
}

interface NamedCursor extends Cursor {
  readonly name: string;
}

function cursor(name: string, offset: number, ...lists: number[][]): NamedCursor {
  return { name, offset, lists: lists.map(listOf) };
}

function readAll(merge: OffsetMerge<NamedCursor>): [number, string][] {
  const read: [number, string][] = [];
  for (let next = merge.peek(); next !== undefined; next = merge.peek()) {
    read.push([next.at, next.cursor.name]);
    merge.advance();
  }
  return read;
}

test("reads cursors in the order of their offsets, each from its own on", () => {
  const merge = new OffsetMerge([cursor("room", 4, [1, 4, 8]), cursor("self", 0, [2, 9], [5])]);
  expect(readAll(merge)).toEqual([
    [2, "self"],
    [4, "room"],
    [5, "self"],
    [8, "room"],
    [9, "self"],
  ]);
});

test("serves both of two cursors that share an offset", () => {
  const merge = new OffsetMerge([cursor("a", 0, [3, 7]), cursor("b", 0, [3])]);
  const read = readAll(merge);
  expect(read.map(([at]) => at)).toEqual([3, 3, 7]);
  expect(new Set(read.slice(0, 2).map(([, name]) => name))).toEqual(new Set(["a", "b"]));
});

test("moves a cursor past its offset only as it advances", () => {
  const room = cursor("room", 0, [3]);
  const merge = new OffsetMerge([room]);
  expect(merge.peek()?.at).toBe(3);
  expect(room.offset).toBe(0);
  merge.advance();
  expect(room.offset).toBe(4);
  expect(merge.peek()).toBeUndefined();
  merge.advance();
  expect(merge.peek()).toBeUndefined();
});

test("finds what was appended behind a cursor that had more to read", () => {
  const list = listOf([1, 2]);
  const merge = new OffsetMerge([{ name: "room", offset: 0, lists: [list] }]);
  merge.advance();
  list.append(6);
  expect(readAll(merge).map(([at]) => at)).toEqual([2, 6]);
});

test("reads what sorting all offsets gives, also where lists share offsets", () => {
  const offsets = fc
    .uniqueArray(fc.nat(60), { maxLength: 30 })
    .map((list) => list.sort((a, b) => a - b));
  const sources = fc.array(fc.tuple(fc.nat(60), fc.array(offsets, { maxLength: 3 })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(sources, (given) => {
      const cursors = given.map(([from, lists], index) => cursor(String(index), from, ...lists));
      const expected = given.flatMap(([from, lists], index) =>
        [...new Set(lists.flat())]
          .filter((offset) => offset >= from)
          .map((offset): [number, string] => [offset, String(index)]),
      );
      const byOffset = (a: [number, string], b: [number, string]) =>
        a[0] - b[0] || Number(a[1]) - Number(b[1]);
      const read = readAll(new OffsetMerge(cursors));
      const at = read.map(([offset]) => offset);
      expect(at).toEqual([...at].sort((a, b) => a - b));
      expect(read.sort(byOffset)).toEqual(expected.sort(byOffset));
    }),
    { numRuns: 300 },
  );
});
