import type { PushClient, PushReport } from "@pushcast/api";
import type { Context } from "../frame/command.ts";
import { EXIT_CODES, type ExitCode } from "../frame/exit-codes.ts";
import { withManager } from "./manager-client.ts";
import type { ManagerOptionValues } from "./manager-options.ts";
import { type CarriedOut, carriedOutWords, reportJson } from "./report-words.ts";

/** Has the nodes carry out something on sessions, and shows what they said. */
export async function carryOut(
  options: ManagerOptionValues,
  context: Context,
  { call, ...words }: CarriedOut & { call(client: PushClient): Promise<PushReport> },
): Promise<ExitCode> {
  const { output } = context;
  const report = await withManager(options, context, call);
  output.result({ report: reportJson(report) }, () => carriedOutWords(report, words, output));
  return report.failures.length > 0 ? EXIT_CODES.partial : EXIT_CODES.ok;
}
