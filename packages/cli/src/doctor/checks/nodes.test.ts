import type { NodeStatus } from "@pushcast/api";
import { expect, test } from "vitest";
import { checkNodes } from "./nodes.ts";

const NODE: NodeStatus = {
  nodeId: "node-1",
  grpcAddress: "192.0.2.1:50052",
  state: "ready",
  zone: "a",
  version: "1.0.0",
  startedAtMs: 0,
  link: "live",
  lag: 0,
  sessions: 500,
  users: 400,
  rooms: 10,
};

const OTHER: NodeStatus = { ...NODE, nodeId: "node-2", zone: "b" };

/** What is not ok of two nodes of which the second differs so. */
function faults(changes: Partial<NodeStatus>, nodesAnswered = 2): string[] {
  const nodes = [NODE, { ...OTHER, ...changes }];
  return checkNodes({ nodes, nodesTotal: 2, nodesAnswered })
    .filter(({ status }) => status !== "ok")
    .map(({ check, status }) => `${check} ${status}`);
}

test("two nodes that are well have no fault", () => {
  expect(faults({})).toEqual([]);
});

test.each([
  [{ link: "connecting" }, "node-links fail"],
  [{ lag: 1_001 }, "link-lag warn"],
  [{ version: "1.1.0" }, "node-versions warn"],
  [{ zone: "a" }, "node-zones warn"],
  [{ state: "" }, "nodes-ready warn"],
  [{ sessions: 0 }, undefined],
])("%j is %s", (changes, fault) => {
  expect(faults(changes)).toEqual(fault === undefined ? [] : [fault]);
});

test("clients of a node without a link are late, while another has one", () => {
  const down = { ...OTHER, link: "down" };
  const linksOf = (nodes: readonly NodeStatus[]) =>
    checkNodes({ nodes, nodesTotal: nodes.length, nodesAnswered: 0 }).find(
      ({ check }) => check === "node-links",
    );
  expect(linksOf([NODE, down])).toMatchObject({
    found: expect.stringContaining("reach their clients late, from the logs of nodes"),
    advice: expect.stringContaining("docs/runbook.md, PushcastLinksDown"),
  });
  expect(linksOf([down])?.found).toMatch(/Pushes reach no client now$/);
});

test("a node that was never reached has no version that differs", () => {
  const never = { ...OTHER, version: "" };
  const findings = checkNodes({ nodes: [NODE, never], nodesTotal: 2, nodesAnswered: 1 });
  expect(findings.find(({ check }) => check === "node-versions")).toEqual({
    check: "node-versions",
    status: "ok",
    found: "all 1.0.0; 1 not reached yet",
  });
});

test("one node with most of the sessions is named", () => {
  const nodes = [NODE, OTHER, { ...OTHER, nodeId: "node-3", sessions: 5_000 }];
  const findings = checkNodes({ nodes, nodesTotal: 3, nodesAnswered: 3 });
  expect(findings.find(({ check }) => check === "sessions-even")).toMatchObject({
    status: "warn",
    found: "500 to 5000 sessions a node, 6000 in all: node-3 has 2.5 times the average",
  });
});

test("a node that does not answer makes the counts partial", () => {
  expect(faults({}, 1)).toEqual(["nodes-answer warn"]);
});

test("without a node that is ready no client can connect", () => {
  const draining = { ...NODE, state: "draining" };
  const findings = checkNodes({ nodes: [draining], nodesTotal: 1, nodesAnswered: 1 });
  expect(findings[0]).toMatchObject({ check: "nodes-ready", status: "fail" });
});

test("no node at all is the one thing that is said", () => {
  expect(checkNodes({ nodes: [], nodesTotal: 0, nodesAnswered: 0 })).toEqual([
    expect.objectContaining({ check: "nodes-known", status: "fail" }),
  ]);
});
