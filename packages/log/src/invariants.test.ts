import { describe, expect, test } from "vitest";
import { EpochTable } from "./epoch-table.ts";
import { HeadWatch, lackingInLog, misshapenEpochs } from "./invariants.ts";

const EPOCH = "00000000000000aa";

function tableWithHole(): EpochTable {
  const table = new EpochTable();
  table.attach(EPOCH, 10);
  table.advance(EPOCH, 20);
  table.skipTo(EPOCH, 25);
  table.advance(EPOCH, 30);
  return table;
}

const places = (...seqs: number[]) => seqs.map((seq) => ({ epoch: EPOCH, seq }));

describe("a head only grows", () => {
  test("a head that grows, and an epoch that is forgotten and begins anew, are no problem", () => {
    const watch = new HeadWatch();
    const table = tableWithHole();
    expect(watch.look(table)).toEqual([]);
    table.advance(EPOCH, 31);
    expect(watch.look(table)).toEqual([]);
    table.detach(EPOCH, 0);
    table.forgetGone(2, 1);
    expect(watch.look(table)).toEqual([]);
    table.attach(EPOCH, 3);
    expect(watch.look(table)).toEqual([]);
  });

  test("a head that goes back is a problem", () => {
    const watch = new HeadWatch();
    expect(watch.look(tableWithHole())).toEqual([]);
    const lower = new EpochTable();
    lower.attach(EPOCH, 29);
    expect(watch.look(lower)).toEqual([`${EPOCH}: the head went from 30 back to 29`]);
  });
});

describe("the shape of an epoch", () => {
  test("a hole between tail and head is in its place", () => {
    expect(misshapenEpochs(tableWithHole())).toEqual([]);
  });

  test("an epoch whose tail passed its head is found", () => {
    const table = new EpochTable();
    table.attach(EPOCH, 5);
    table.evicted(EPOCH, 6);
    expect(misshapenEpochs(table)).toEqual([`${EPOCH}: the tail 6 is above the head 5`]);
  });
});

describe("what is between tail and head is in the log", () => {
  test("what is at or below the tail, in a hole or above the head may be lacking", () => {
    const table = tableWithHole();
    expect(lackingInLog(table, places(11, 26), places(9, 10, 11, 21, 25, 26, 31))).toEqual([]);
  });

  test("anything else may not", () => {
    const table = tableWithHole();
    expect(lackingInLog(table, places(11), places(11, 20, 26))).toEqual([
      `${EPOCH}-20 is not in the log`,
      `${EPOCH}-26 is not in the log`,
    ]);
  });
});
