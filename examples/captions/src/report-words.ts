import { type DeliveryReport, FailureReason, type NodeFailure } from "@pushcast/api";

/** What became of a push, for people: `reached 2 sessions on 1 of 2 nodes`. */
export function reportInWords(report: DeliveryReport): string {
  const { nodesTotal, nodesMatched, nodesDuplicate, sessionsDelivered, sessionsLagging } = report;
  const sessions = sessionsDelivered + sessionsLagging;
  const reached =
    sessions === 0
      ? `reached nobody on ${count(nodesTotal, "node")}`
      : `reached ${count(sessions, "session")} on ${nodesMatched} of ${count(nodesTotal, "node")}`;
  return [
    reached,
    ...(sessionsLagging > 0 ? [`${sessionsLagging} of them behind`] : []),
    ...(nodesDuplicate > 0 ? [`${count(nodesDuplicate, "node")} had it already`] : []),
    ...report.failures.map(failureInWords),
  ].join("; ");
}

const FAILURES: Readonly<Record<FailureReason, string>> = {
  [FailureReason.FAILURE_REASON_UNSPECIFIED]: "did not acknowledge",
  [FailureReason.FAILURE_REASON_DEADLINE]: "did not acknowledge in time",
  [FailureReason.FAILURE_REASON_LINK_DOWN]: "cannot be reached now and gets it later",
  [FailureReason.FAILURE_REASON_GAP]: "is so far behind that it lost it",
  [FailureReason.FAILURE_REASON_SKIPPED]: "is behind and was left out",
  [FailureReason.UNRECOGNIZED]: "did not acknowledge",
};

function failureInWords({ nodeId, reason }: NodeFailure): string {
  return `${nodeId} ${FAILURES[reason]}`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
