import { describe, expect, it } from "vitest";
import { decodeNodeRecord, encodeNodeRecord, type NodeRecord, nodeKey } from "./node-record.ts";

const RECORD: NodeRecord = {
  nodeId: "node-1",
  grpcAddress: "10.0.0.7:50052",
  state: "ready",
  zone: "z1",
  version: "1.2.3",
  startedAt: "2026-01-02T03:04:05.000Z",
};

function decode(fields: unknown, key = nodeKey("node-1")) {
  return decodeNodeRecord(key, typeof fields === "string" ? fields : JSON.stringify(fields));
}

describe("a node's record", () => {
  it("has its key under /pushcast/nodes/", () => {
    expect(nodeKey("node-1")).toBe("/pushcast/nodes/node-1");
  });

  it("is JSON with the fields of the contract, in their order", () => {
    expect(encodeNodeRecord(RECORD)).toBe(
      '{"nodeId":"node-1","grpcAddress":"10.0.0.7:50052","state":"ready","zone":"z1","version":"1.2.3","startedAt":"2026-01-02T03:04:05.000Z"}',
    );
  });

  it("is read as it was written", () => {
    expect(decode(encodeNodeRecord(RECORD))).toEqual({ record: RECORD });
  });

  it("is read without the fields that are not known", () => {
    expect(decode({ ...RECORD, weight: 3, labels: { a: 1 } })).toEqual({ record: RECORD });
  });

  it("keeps a state that is not known", () => {
    expect(decode({ ...RECORD, state: "hibernating" }).record?.state).toBe("hibernating");
  });

  it("needs no more than nodeId and grpcAddress", () => {
    const { nodeId, grpcAddress } = RECORD;
    const rest = { state: "", zone: "", version: "", startedAt: "" };
    expect(decode({ nodeId, grpcAddress })).toEqual({ record: { nodeId, grpcAddress, ...rest } });
    expect(decode({ nodeId, grpcAddress, zone: 7 }).record?.zone).toBe("");
  });

  it.for([
    ["", "not JSON"],
    ["{", "not JSON"],
    ["null", "not a JSON object"],
    ["[]", "not a JSON object"],
    ['"text"', "not a JSON object"],
    [{ grpcAddress: "a:1" }, "nodeId is missing"],
    [{ nodeId: 1, grpcAddress: "a:1" }, "nodeId is missing"],
    [{ nodeId: "node-1" }, "grpcAddress is missing"],
    [{ nodeId: "node-1", grpcAddress: "" }, "grpcAddress is missing"],
    [{ nodeId: "node-1", grpcAddress: "\n" }, "grpcAddress is not host:port"],
    [{ nodeId: "node-1", grpcAddress: "10.0.0.7:50052\n" }, "grpcAddress is not host:port"],
    [{ nodeId: "node-1", grpcAddress: "10.0.0.7" }, "grpcAddress is not host:port"],
    [{ nodeId: "node-1", grpcAddress: "10.0.0.7:70000" }, "grpcAddress is not host:port"],
    [{ nodeId: "node-1", grpcAddress: "unix:/tmp/x:1" }, "grpcAddress is not host:port"],
    [{ nodeId: "node-1", grpcAddress: "a:1", zone: "z".repeat(5000) }, "too long"],
    [{ nodeId: "node-2", grpcAddress: "a:1" }, 'nodeId "node-2" is not that of the key'],
  ])("says what is wrong with %j", ([value, problem]) => {
    expect(decode(value)).toEqual({ problem });
  });
});
