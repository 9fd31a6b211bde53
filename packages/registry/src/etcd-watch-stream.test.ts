import { EventEmitter } from "node:events";
import type { IWatchRequest } from "etcd3";
import { describe, expect, it } from "vitest";
import type { EtcdWatchCall } from "./etcd-client.ts";
import { EtcdWatchStream, type KeyChange } from "./etcd-watch-stream.ts";

/** etcd's side of a watch, for what a real etcd cannot be brought to say at will. */
class FakeCall extends EventEmitter {
  readonly written: IWatchRequest[] = [];
  isCancelled = false;

  write(request: IWatchRequest): void {
    this.written.push(request);
  }

  end(): void {}

  cancel(): void {
    this.isCancelled = true;
    this.emit("error", new Error("cancelled by the client"));
  }

  say(response: object, revision = "101"): void {
    this.emit("data", { events: [], compact_revision: "0", header: { revision }, ...response });
  }
}

function open({ onChanges = (_: readonly KeyChange[]) => {} } = {}) {
  const call = new FakeCall();
  let created = 0;
  const stream = new EtcdWatchStream(call as unknown as EtcdWatchCall, {
    prefix: "/nodes/",
    afterRevision: 100n,
    silenceMs: 60_000,
    onCreated: () => {
      created += 1;
    },
    onChanges,
  });
  return { call, stream, created: () => created };
}

describe("a watch stream", () => {
  it("asks for all keys of the prefix, from the next revision", () => {
    const { call, stream } = open();
    expect(call.written).toEqual([
      {
        create_request: {
          key: Buffer.from("/nodes/"),
          range_end: Buffer.from("/nodes0"),
          start_revision: "101",
        },
      },
    ]);
    stream.close();
  });

  it("tells puts and deletes in order", () => {
    const changes: KeyChange[] = [];
    const { call, stream, created } = open({ onChanges: (more) => changes.push(...more) });
    call.say({ created: true }, "100");
    const kv = (key: string, value: string) => ({
      key: Buffer.from(key),
      value: Buffer.from(value),
    });
    call.say({
      events: [
        { type: "Put", kv: kv("/nodes/a", "1") },
        { type: "Delete", kv: kv("/nodes/b", "") },
      ],
    });
    expect(created()).toBe(1);
    expect(changes).toEqual([
      { key: "/nodes/a", value: "1" },
      { key: "/nodes/b", value: undefined },
    ]);
    stream.close();
  });

  it("ends when etcd's revision is below the one that was listed", async () => {
    const { call, stream, created } = open();
    call.say({ created: true }, "3");
    await expect(stream.ended).rejects.toThrow(
      "etcd went back to revision 3: it has lost its data",
    );
    expect(created()).toBe(0);
    expect(call.isCancelled).toBe(true);
  });

  it("ends when etcd cancels it, with etcd's reason", async () => {
    const { call, stream } = open();
    call.say({ canceled: true, cancel_reason: "permission denied" });
    await expect(stream.ended).rejects.toThrow("etcd cancelled the watch: permission denied");
  });

  it("ends when etcd ends it", async () => {
    const { call, stream } = open();
    call.emit("end");
    await expect(stream.ended).rejects.toThrow("etcd ended the watch stream");
  });

  it("ends when a change cannot be taken", async () => {
    const { call, stream } = open({
      onChanges: () => {
        throw new Error("cannot be taken");
      },
    });
    const kv = { key: Buffer.from("/nodes/a"), value: Buffer.from("1") };
    call.say({ events: [{ type: "Put", kv }] });
    await expect(stream.ended).rejects.toThrow("cannot be taken");
  });

  it("is silent and without an error once closed", async () => {
    const changes: KeyChange[] = [];
    const { call, stream } = open({ onChanges: (more) => changes.push(...more) });
    stream.close();
    await stream.ended;
    call.say({
      events: [{ type: "Put", kv: { key: Buffer.from("k"), value: Buffer.from("v") } }],
    });
    expect(changes).toEqual([]);
  });
});
