import type { NodeStatus, PushReport } from "@pushcast/api";
import { expect, test } from "vitest";
import { tableLines } from "../frame/table.ts";
import { ageInWords, nodesWords } from "./nodes-words.ts";
import { carriedOutWords, deliveryWords } from "./report-words.ts";

const style = (_style: string, text: string) => text;
const output = {
  style,
  table: (table: Parameters<typeof tableLines>[0]) =>
    tableLines(table, Number.POSITIVE_INFINITY, style),
};

const REPORT: PushReport = {
  nodesTotal: 2,
  nodesAcked: 2,
  nodesMatched: 1,
  sessionsDelivered: 3,
  sessionsLagging: 0,
  nodesDuplicate: 0,
  failures: [],
};

test("a report says who got it and who acknowledged it", () => {
  expect(deliveryWords(REPORT, output)).toEqual([
    "3 sessions on 1 node got it.",
    "All 2 nodes have acknowledged it.",
  ]);
  expect(deliveryWords({ ...REPORT, sessionsDelivered: 0, nodesMatched: 0 }, output)[0]).toBe(
    "No session got it: nobody is there.",
  );
  expect(deliveryWords({ ...REPORT, sessionsLagging: 1, nodesDuplicate: 2 }, output)).toEqual([
    "3 sessions on 1 node got it.",
    "1 session more is behind, and will get it.",
    "2 nodes had it already by this key, and delivered nothing twice.",
    "All 2 nodes have acknowledged it.",
  ]);
});

test("a report says of each node that failed why, in words", () => {
  const failures = [
    { nodeId: "node-1", reason: "DEADLINE", message: "" },
    { nodeId: "node-2", reason: "LINK_DOWN", message: "link is connecting" },
  ] as const;
  expect(deliveryWords({ ...REPORT, nodesAcked: 0, failures }, output).slice(-3)).toEqual([
    "0 of 2 nodes acknowledged it. These did not:",
    "  node-1: DEADLINE, it has not answered in time",
    "  node-2: LINK_DOWN, the push-manager has no link to it now (link is connecting)",
  ]);
});

test("what was done is told with the sessions, and with what holds without any", () => {
  const none = { ...REPORT, sessionsDelivered: 0, nodesMatched: 0 };
  const acknowledged = "All 2 nodes have acknowledged it.";
  const done = "Disconnected ann";
  const also = "Tokens of ann that were issued before now are refused from now on.";
  const cases = [
    [REPORT, { done }, ["Disconnected ann (3 sessions on 1 node).", acknowledged]],
    [REPORT, { done, also }, ["Disconnected ann (3 sessions on 1 node).", also, acknowledged]],
    [none, { done }, ["The user has no open session: there was nothing to do.", acknowledged]],
    [none, { done, also }, ["No session of the user was open.", also, acknowledged]],
  ] as const;
  for (const [report, words, lines] of cases) {
    expect(carriedOutWords(report, words, { style })).toEqual(lines);
  }
});

test("nothing holds that no node has acknowledged", () => {
  const failures = [{ nodeId: "node-1", reason: "LINK_DOWN", message: "" }] as const;
  const report = { ...REPORT, nodesTotal: 1, nodesAcked: 0, sessionsDelivered: 0, failures };
  expect(carriedOutWords(report, { done: "", also: "It is refused." }, { style })).toEqual([
    "No session of the user was open.",
    "0 of 1 node acknowledged it. These did not:",
    "  node-1: LINK_DOWN, the push-manager has no link to it now",
  ]);
});

const NODE: NodeStatus = {
  nodeId: "node-2",
  grpcAddress: "10.0.0.2:50052",
  state: "ready",
  zone: "",
  version: "0.1.0",
  startedAtMs: 1_000,
  link: "live",
  lag: 0,
  sessions: 7,
  users: 5,
  rooms: 3,
};

test("nodes are a table in the order of their names, with sums", () => {
  const gone = { ...NODE, nodeId: "node-1", state: "", link: "down", startedAtMs: 0, sessions: 0 };
  const list = { nodes: [NODE, gone], nodesTotal: 2, nodesAnswered: 1 };
  expect(nodesWords(list, output, 121_000)).toEqual([
    "NODE    STATE  LINK  LAG  SESSIONS  USERS  ROOMS  ZONE  VERSION  UP  ADDRESS",
    "node-1  gone   down    0         0      5      3  –     0.1.0     –  10.0.0.2:50052",
    "node-2  ready  live    0         7      5      3  –     0.1.0    2m  10.0.0.2:50052",
    "",
    "2 nodes, 1 of them answered, 7 sessions",
  ]);
  expect(nodesWords({ nodes: [], nodesTotal: 0, nodesAnswered: 0 }, output, 0)).toEqual([
    "No node is known.",
  ]);
});

test.each([
  [-5, "0s"],
  [999, "0s"],
  [59_999, "59s"],
  [60_000, "1m"],
  [7_200_000, "2h"],
  [400_000_000, "4d"],
])("%d ms are %s", (ms, words) => {
  expect(ageInWords(ms)).toBe(words);
});
