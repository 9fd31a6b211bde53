import type { PushFailure, PushReport } from "@pushcast/api";
import type { Output } from "../frame/output.ts";
import { printable } from "../frame/printable.ts";

/** A report as JSON, as the protos name its fields. */
export function reportJson(report: PushReport): object {
  return {
    nodes_total: report.nodesTotal,
    nodes_acked: report.nodesAcked,
    nodes_matched: report.nodesMatched,
    sessions_delivered: report.sessionsDelivered,
    sessions_lagging: report.sessionsLagging,
    nodes_duplicate: report.nodesDuplicate,
    failures: report.failures.map(({ nodeId, reason, message }) => ({
      node_id: nodeId,
      reason,
      message,
    })),
  };
}

/** What became of a push, in whole sentences. */
export function deliveryWords(report: PushReport, { style }: Pick<Output, "style">): string[] {
  const { nodesMatched, sessionsDelivered, sessionsLagging, nodesDuplicate } = report;
  const reached = sessionsDelivered + sessionsLagging;
  return [
    reached === 0
      ? style("yellow", "No session got it: nobody is there.")
      : style(
          "green",
          `${count(sessionsDelivered, "session")} on ${count(nodesMatched, "node")} got it.`,
        ),
    ...(sessionsLagging > 0
      ? [
          `${count(sessionsLagging, "session")} more ${sessionsLagging === 1 ? "is" : "are"} behind, and will get it.`,
        ]
      : []),
    ...(nodesDuplicate > 0
      ? [
          `${count(nodesDuplicate, "node")} had it already by this key, and delivered nothing twice.`,
        ]
      : []),
    ...acknowledgementWords(report, { style }),
  ];
}

/** What a call has done besides pushing. */
export interface CarriedOut {
  /** With the sessions of the user: "Disconnected ann". */
  readonly done: string;
  /** What holds from now on also where the user has no session, in a sentence. @default nothing */
  readonly also?: string;
}

/** What was done with a user's sessions, and beside them. */
export function carriedOutWords(
  report: PushReport,
  { done, also }: CarriedOut,
  { style }: Pick<Output, "style">,
): string[] {
  const sessions = report.sessionsDelivered + report.sessionsLagging;
  const withoutSession =
    also === undefined
      ? "The user has no open session: there was nothing to do."
      : "No session of the user was open.";
  return [
    sessions === 0
      ? style("yellow", withoutSession)
      : `${printable(done)} (${count(sessions, "session")} on ${count(report.nodesMatched, "node")}).`,
    ...(also === undefined || report.nodesAcked === 0 ? [] : [printable(also)]),
    ...acknowledgementWords(report, { style }),
  ];
}

/** Which nodes have said that they have it, and which have not. */
function acknowledgementWords(
  { nodesTotal, nodesAcked, failures }: PushReport,
  { style }: Pick<Output, "style">,
): string[] {
  if (failures.length === 0) {
    return [
      nodesTotal === 1
        ? "The one node has acknowledged it."
        : `All ${nodesTotal} nodes have acknowledged it.`,
    ];
  }
  return [
    style("red", `${nodesAcked} of ${count(nodesTotal, "node")} acknowledged it. These did not:`),
    ...failures.map((failure) => `  ${failureWords(failure)}`),
  ];
}

const FAILURES: Readonly<Record<PushFailure["reason"], string>> = {
  DEADLINE: "it has not answered in time",
  LINK_DOWN: "the push-manager has no link to it now",
  GAP: "it was away for so long that the log no longer has it",
  SKIPPED: "it is behind, and what is ephemeral is not kept for it",
  UNKNOWN: "the reason is not known to this version",
};

function failureWords({ nodeId, reason, message }: PushFailure): string {
  const detail = message === "" ? "" : ` (${printable(message)})`;
  return `${printable(nodeId)}: ${reason}, ${FAILURES[reason]}${detail}`;
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
