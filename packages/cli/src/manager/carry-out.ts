import type { PushClient, PushReport } from "@pushcast/api";
import type { Context } from "../frame/command.ts";
import { EXIT_CODES, type ExitCode } from "../frame/exit-codes.ts";
import { printable } from "../frame/printable.ts";
import { withManager } from "./manager-client.ts";
import type { ManagerOptionValues } from "./manager-options.ts";
import { acknowledgementWords, count, reportJson } from "./report-words.ts";

/** Has the nodes carry out something on sessions, and shows what they said. */
export async function carryOut(
  options: ManagerOptionValues,
  context: Context,
  { call, done }: { call(client: PushClient): Promise<PushReport>; readonly done: string },
): Promise<ExitCode> {
  const { output } = context;
  const report = await withManager(options, context, call);
  const sessions = report.sessionsDelivered + report.sessionsLagging;
  output.result({ report: reportJson(report) }, () => [
    sessions === 0
      ? output.style("yellow", "The user has no open session: there was nothing to do.")
      : `${printable(done)} (${count(sessions, "session")} on ${count(report.nodesMatched, "node")}).`,
    ...acknowledgementWords(report, output),
  ]);
  return report.failures.length > 0 ? EXIT_CODES.partial : EXIT_CODES.ok;
}
