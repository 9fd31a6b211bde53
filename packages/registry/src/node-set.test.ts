import { describe, expect, it } from "vitest";
import { encodeNodeRecord, nodeKey } from "./node-record.ts";
import { NodeSet } from "./node-set.ts";

function entry(nodeId: string, state = "ready") {
  const record = { nodeId, grpcAddress: "a:1", state, zone: "", version: "", startedAt: "" };
  return { key: nodeKey(nodeId), value: encodeNodeRecord(record) };
}

function newSet() {
  const problems: string[] = [];
  const set = new NodeSet((key, problem) => problems.push(`${key}: ${problem}`));
  const put = (nodeId: string, state?: string) => {
    const { key, value } = entry(nodeId, state);
    return set.put(key, value);
  };
  return { set, put, problems };
}

describe("the set of nodes", () => {
  it("tells how a list differs from what was known", () => {
    const { set } = newSet();
    expect(set.replace([entry("a"), entry("b"), entry("c")])).toEqual({
      added: 3,
      changed: 0,
      removed: 0,
    });
    expect(set.replace([entry("b", "draining"), entry("c"), entry("d")])).toEqual({
      added: 1,
      changed: 1,
      removed: 1,
    });
    expect([...set.snapshot().keys()]).toEqual(["b", "c", "d"]);
  });

  it("tells whether a put or a delete made a difference", () => {
    const { set, put } = newSet();
    expect([put("a"), put("a"), put("a", "draining")]).toEqual([true, false, true]);
    expect([set.delete(nodeKey("a")), set.delete(nodeKey("a"))]).toEqual([true, false]);
  });

  it("gives snapshots that do not change", () => {
    const { set, put } = newSet();
    put("a");
    const snapshot = set.snapshot();
    put("b");
    expect([...snapshot.keys()]).toEqual(["a"]);
  });

  it("drops a node whose value is no longer a record", () => {
    const { set, put } = newSet();
    put("a");
    expect(set.put(nodeKey("a"), "{")).toBe(true);
    expect(set.snapshot().size).toBe(0);
  });

  it("reports a skipped value once, over puts and lists, and again when it is another", () => {
    const { set, problems } = newSet();
    const key = nodeKey("a");
    set.put(key, "{");
    set.put(key, "{");
    set.replace([{ key, value: "{" }]);
    expect(problems).toEqual([`${key}: not JSON`]);
    set.replace([{ key, value: "{}" }]);
    expect(problems).toHaveLength(2);
  });

  it("reports a skipped value again after the key was gone or well", () => {
    const { set, put, problems } = newSet();
    const key = nodeKey("a");
    for (const mend of [() => set.delete(key), () => put("a"), () => set.replace([])]) {
      set.put(key, "{");
      mend();
    }
    expect(problems).toHaveLength(3);
  });
});
