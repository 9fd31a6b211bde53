import { DeliveryReport, FailureReason } from "@pushcast/api";
import { describe, expect, it } from "vitest";
import { reportInWords } from "./report-words.ts";

describe("a delivery report in words", () => {
  it.for<[string, Parameters<typeof DeliveryReport.fromPartial>[0]]>([
    ["reached nobody on 2 nodes", { nodesTotal: 2, nodesAcked: 2 }],
    [
      "reached 1 session on 1 of 1 node",
      { nodesTotal: 1, nodesAcked: 1, nodesMatched: 1, sessionsDelivered: 1 },
    ],
    [
      "reached 5 sessions on 2 of 3 nodes; 2 of them behind",
      { nodesTotal: 3, nodesAcked: 3, nodesMatched: 2, sessionsDelivered: 3, sessionsLagging: 2 },
    ],
    [
      "reached 1 session on 1 of 2 nodes; 1 node had it already; node-2 cannot be reached now and gets it later",
      {
        nodesTotal: 2,
        nodesAcked: 1,
        nodesMatched: 1,
        nodesDuplicate: 1,
        sessionsDelivered: 1,
        failures: [{ nodeId: "node-2", reason: FailureReason.FAILURE_REASON_LINK_DOWN }],
      },
    ],
  ])("says %j", ([words, report]) => {
    expect(reportInWords(DeliveryReport.fromPartial(report))).toBe(words);
  });
});
