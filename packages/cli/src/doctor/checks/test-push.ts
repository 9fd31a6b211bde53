import type { PushReport } from "@pushcast/api";
import { type Finding, fail, listed, ok, warn } from "../finding.ts";

/** What became of the one push that doctor makes. */
export interface TestPush {
  readonly report: PushReport;
  /** From the call to its answer. */
  readonly answeredMs: number;
  /** From the call to the client; undefined if it did not come. */
  readonly arrivedMs: number | undefined;
  /** How often it came. */
  readonly copies: number;
}

/** Slower than any installation that is well, over an ocean too. */
const SLOW_MS = 1_000;

/** Judges the way from a push to a client, and whether the report tells the truth about it. */
export function checkTestPush(push: TestPush): Finding[] {
  return [checkReport(push.report), checkArrival(push), ...checkTime(push)];
}

function checkReport({ nodesTotal, nodesAcked, failures }: PushReport): Finding {
  const found = `${nodesAcked} of ${nodesTotal} nodes acknowledged, in the report`;
  if (failures.length === 0) return ok("test-push-report", found);
  const names = failures.map(({ nodeId, reason }) => `${nodeId} ${reason}`);
  return fail(
    "test-push-report",
    `${found}; failures: ${listed(names)}`,
    "docs/runbook.md, PushcastPushesMissNodes, says what each reason means. A node that is frozen or cut off stands here until its key ends.",
  );
}

function checkArrival({ report, arrivedMs, copies }: TestPush): Finding {
  const check = "test-push-arrived";
  const reported = report.sessionsDelivered + report.sessionsLagging;
  const found = `the report says ${reported} session${reported === 1 ? "" : "s"}, the client got it ${copies === 1 ? "once" : `${copies} times`}`;
  if (copies === 1 && reported === 1) return ok(check, found);
  if (arrivedMs === undefined) {
    return fail(
      check,
      found,
      reported === 0
        ? "The client's node has not got the push: manager and client are of different installations, or the link to that node is down (node-links)."
        : "The node has written it, and it has not arrived: a proxy between holds it back.",
    );
  }
  return fail(
    check,
    found,
    "Report and client do not agree: please report it, with the versions that ListNodes says.",
  );
}

function checkTime({ answeredMs, arrivedMs }: TestPush): Finding[] {
  if (arrivedMs === undefined) return [];
  const found = `${arrivedMs.toFixed(1)} ms from the call to the client, ${answeredMs.toFixed(1)} ms to the report`;
  return [
    arrivedMs <= SLOW_MS
      ? ok("test-push-time", found)
      : warn(
          "test-push-time",
          found,
          "See the CPU of manager and nodes, and connect_node_delivery_seconds; `pushcast bench` measures more than one push.",
        ),
  ];
}
