import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { Inbox, type InboxSocket } from "./inbox.ts";
import { SlicedQueue } from "./sliced-queue.ts";

/** An inbox, and what was served of it. */
class Desk {
  readonly inbox = new Inbox(new SlicedQueue(new ManualClock()));
  readonly served: string[] = [];

  add(client: Client, text: string, { bytes = 10 } = {}): void {
    this.inbox.add(client, bytes, () => {
      this.served.push(`${client.name}${text}`);
      client.answers += 1;
      return undefined;
    });
  }

  /** A message that is served when the promise resolves. */
  addSlow(client: Client, text: string, done: Promise<void>): void {
    this.inbox.add(client, 10, async () => {
      await done;
      this.served.push(`${client.name}${text}`);
    });
  }
}

class Client implements InboxSocket {
  readonly name: string;
  isServed = true;
  answers = 0;
  /** How many answers were written together each time. */
  readonly writes: number[] = [];

  constructor(name: string) {
    this.name = name;
  }

  setServed(served: boolean): void {
    this.isServed = served;
  }

  writeTogether(write: () => void): void {
    const before = this.answers;
    write();
    this.writes.push(this.answers - before);
  }
}

test("serves the messages of each client in order, and answers those that waited in one write", async () => {
  const desk = new Desk();
  const [a, b] = [new Client("a"), new Client("b")];
  for (const text of ["1", "2", "3"]) {
    desk.add(a, text);
    desk.add(b, text);
  }
  expect(desk.served).toEqual([]);
  await turn();
  expect(desk.served).toEqual(["a1", "a2", "a3", "b1", "b2", "b3"]);
  expect([a.writes, b.writes]).toEqual([[3], [3]]);
});

test("serves a client that floods sixteen at a time, with others in between", async () => {
  const desk = new Desk();
  const [flooding, other] = [new Client("f"), new Client("o")];
  for (let n = 0; n < 40; n += 1) desk.add(flooding, `${n}`);
  desk.add(other, "1");
  await turn();
  expect(desk.served.indexOf("o1")).toBe(16);
  expect(desk.served).toHaveLength(41);
  expect(flooding.writes).toEqual([16, 16, 8]);
});

test("does not read from a client that has more than 16 KiB waiting, until it has been served", async () => {
  const desk = new Desk();
  const client = new Client("a");
  desk.add(client, "1", { bytes: 16_000 });
  expect(client.isServed).toBe(true);
  desk.add(client, "2", { bytes: 1_000 });
  expect(client.isServed).toBe(false);
  await turn();
  expect(client.isServed).toBe(true);
});

test("lets a client's messages wait for one that takes longer, and serves others meanwhile", async () => {
  const desk = new Desk();
  const [waiting, other] = [new Client("w"), new Client("o")];
  let finish = () => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  desk.add(waiting, "1");
  desk.addSlow(waiting, "2", done);
  desk.add(waiting, "3", { bytes: 20_000 });
  desk.add(other, "1");
  await turn();
  expect(desk.served).toEqual(["w1", "o1"]);
  desk.add(other, "2");
  await turn();
  expect(desk.served).toEqual(["w1", "o1", "o2"]);
  expect(waiting.isServed).toBe(false);
  finish();
  await turn();
  await turn();
  expect(desk.served.slice(3)).toEqual(["w2", "w3"]);
  expect(waiting.isServed).toBe(true);
});
