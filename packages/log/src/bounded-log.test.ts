import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BoundedLog, type LogEntry } from "./bounded-log.ts";

interface Entry extends LogEntry {
  readonly seq: number;
}

const UNBOUNDED = { maxBytes: Number.MAX_SAFE_INTEGER, maxAgeMs: Number.MAX_SAFE_INTEGER };

function entry(seq: number, bytes = 10, appendedAtMs = 0): Entry {
  return { seq, bytes, appendedAtMs };
}

describe("BoundedLog", () => {
  test("gives offsets 0, 1, 2 … that eviction does not change", () => {
    const log = new BoundedLog<Entry>({ ...UNBOUNDED, maxBytes: 20 }, () => {});
    expect([1, 2, 3].map((seq) => log.append(entry(seq)))).toEqual([0, 1, 2]);
    expect(log).toMatchObject({ start: 1, end: 3, size: 2, bytes: 20 });
    expect(log.at(0)).toBeUndefined();
    expect(log.at(1)?.seq).toBe(2);
    expect(log.at(3)).toBeUndefined();
  });

  test("evicts an entry that is larger than the bound alone, and all before it", () => {
    const evicted: [number, number][] = [];
    const log = new BoundedLog<Entry>({ ...UNBOUNDED, maxBytes: 20 }, ({ seq }, offset) =>
      evicted.push([seq, offset]),
    );
    log.append(entry(1));
    expect(log.append(entry(2, 21))).toBe(1);
    expect(log).toMatchObject({ start: 2, end: 2, size: 0, bytes: 0 });
    expect(evicted).toEqual([
      [1, 0],
      [2, 1],
    ]);
    expect(log.append(entry(3))).toBe(2);
  });

  test("keeps an entry that is exactly as old as the bound, and evicts it a moment later", () => {
    const log = new BoundedLog<Entry>({ ...UNBOUNDED, maxAgeMs: 100 }, () => {});
    log.append(entry(1, 10, 50));
    log.evictExpired(150);
    expect(log.size).toBe(1);
    log.evictExpired(150.5);
    expect(log.size).toBe(0);
  });

  test("finds the first entry at or above a seq by halving, not by reading the whole log", () => {
    const log = new BoundedLog<Entry>(UNBOUNDED, () => {});
    for (let seq = 1; seq <= 10_000; seq += 1) log.append(entry(seq));
    let read = 0;
    const offset = log.firstNot(({ seq }) => {
      read += 1;
      return seq < 7_000;
    });
    expect(offset).toBe(6_999);
    expect(read).toBeLessThanOrEqual(15);
  });

  test("is a list that drops what does not fit, whatever is appended", () => {
    const steps = fc.array(
      fc.record({ bytes: fc.nat(40), afterMs: fc.nat(30), expire: fc.boolean() }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, fc.nat(200), fc.nat(100), (sequence, maxBytes, maxAgeMs) => {
        const evicted: number[] = [];
        const log = new BoundedLog<Entry>({ maxBytes, maxAgeMs }, (_, offset) =>
          evicted.push(offset),
        );
        let naive: Entry[] = [];
        let nowMs = 0;
        const naiveBytes = () => naive.reduce((sum, { bytes }) => sum + bytes, 0);
        for (const [seq, { bytes, afterMs, expire }] of sequence.entries()) {
          nowMs += afterMs;
          const appended = entry(seq, bytes, nowMs);
          expect(log.append(appended)).toBe(seq);
          naive.push(appended);
          while (naiveBytes() > maxBytes) naive = naive.slice(1);
          if (expire) {
            log.evictExpired(nowMs);
            naive = naive.filter(({ appendedAtMs }) => nowMs - appendedAtMs <= maxAgeMs);
          }
          expect(contents(log)).toEqual(naive);
          expect(log.bytes).toBe(naiveBytes());
          expect(log.end).toBe(seq + 1);
          const probe = log.start + Math.floor(log.size / 2);
          expect(log.firstNot((held) => held.seq < probe)).toBe(probe);
        }
        expect(evicted).toEqual([...Array(log.start).keys()]);
      }),
    );
  });

  test("holds what it should after tens of thousands of entries came and went", () => {
    const log = new BoundedLog<Entry>({ ...UNBOUNDED, maxBytes: 15_000 }, () => {});
    for (let seq = 0; seq < 50_000; seq += 1) log.append(entry(seq));
    expect(log).toMatchObject({ start: 48_500, end: 50_000, size: 1_500, bytes: 15_000 });
    expect(contents(log).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 1_500 }, (_, index) => 48_500 + index),
    );
  });
});

function contents(log: BoundedLog<Entry>): Entry[] {
  const entries: Entry[] = [];
  for (let offset = log.start; offset < log.end; offset += 1) {
    const held = log.at(offset);
    if (held !== undefined) entries.push(held);
  }
  return entries;
}
