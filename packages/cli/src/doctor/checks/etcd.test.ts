import { expect, test } from "vitest";
import { checkEtcd, type EtcdFacts } from "./etcd.ts";

const RECORD = {
  nodeId: "node-1",
  grpcAddress: "192.0.2.1:50052",
  state: "ready",
  zone: "",
  version: "1.0.0",
  startedAt: "2026-03-01T00:00:00.000Z",
};

const MEMBER = {
  memberId: "7",
  leaderId: "7",
  version: "3.5.0",
  dbSizeBytes: 20 * 1024 * 1024,
  dbSizeInUseBytes: 1024,
  errors: [],
};

const FACTS: EtcdFacts = {
  report: {
    member: MEMBER,
    alarms: [],
    keys: [{ key: "/pushcast/nodes/node-1", record: RECORD, remainingS: 8 }],
  },
  quotaBytes: 2 * 1024 ** 3,
  linkedNodeIds: new Set(["node-1"]),
};

/** What is not ok. */
function faults(changes: Partial<EtcdFacts["report"]>, other: Partial<EtcdFacts> = {}): string[] {
  return checkEtcd({ ...FACTS, ...other, report: { ...FACTS.report, ...changes } })
    .filter(({ status }) => status !== "ok")
    .map(({ check, status, found }) => `${check} ${status}: ${found}`);
}

test("an etcd that is well has no fault", () => {
  expect(faults({})).toEqual([]);
});

test("an alarm that stops all writes comes with the way out", () => {
  const alarms = [{ memberId: "7", alarm: "NOSPACE" }];
  const findings = checkEtcd({ ...FACTS, report: { ...FACTS.report, alarms } });
  expect(findings.find(({ check }) => check === "etcd-alarms")).toMatchObject({
    status: "fail",
    found: "raised: NOSPACE",
    advice: expect.stringContaining("etcdctl alarm disarm"),
  });
});

test.each([
  ["no leader", faults({ member: { ...MEMBER, leaderId: "0" } }), /^etcd-leader fail/],
  ["no lease", faults({ keys: [{ key: "k", record: RECORD }] }), /^etcd-leases warn/],
  ["a small quota", faults({}, { quotaBytes: 21 * 1024 * 1024 }), /^etcd-size warn: .*over 80 %/],
  ["no link", faults({}, { linkedNodeIds: new Set() }), /^etcd-nodes-linked fail: .*node-1$/],
  [
    "a link to a stranger",
    faults({}, { linkedNodeIds: new Set(["node-1", "node-9"]) }),
    /^etcd-nodes-linked warn: .*node-9$/,
  ],
  ["no manager", faults({}, { linkedNodeIds: undefined }), /^etcd-nodes-linked not checked/],
])("%s is one finding", (_what, found, expected) => {
  expect(found).toEqual([expect.stringMatching(expected)]);
});
