import type { PushClient, PushReport } from "@pushcast/api";
import { type Command, type Context, defineCommand } from "../frame/command.ts";
import { EXIT_CODES, type ExitCode } from "../frame/exit-codes.ts";
import { takePositionals } from "../frame/read-arguments.ts";
import { type ManagerOptionValues, managerOptions } from "../manager/manager-options.ts";

const PARTIAL = `
Ends with 2 where a node did not acknowledge it: run it again.
`;

export const joinCommand: Command = defineCommand({
  name: "join",
  summary: "Put a user's open sessions into a room",
  forms: ["USER ROOM [options]"],
  details: `
Puts all sessions that the user has now into a room, as a biz-server does.
Sessions that are opened later are not in it.
${PARTIAL}`,
  options: managerOptions,
  examples: [{ line: "pushcast join ann lobby", doc: "ann gets what is pushed to the lobby" }],
  run: async ({ options, positionals }, context) => {
    const [user = "", room = ""] = takePositionals(positionals, ["USER", "ROOM"]);
    return await command(options, context, {
      call: (client) => client.joinRoom(user, room),
      done: `Put ${user} into ${room}`,
    });
  },
});

export const leaveCommand: Command = defineCommand({
  name: "leave",
  summary: "Take a user's open sessions out of a room",
  forms: ["USER ROOM [options]"],
  details: `
Takes all sessions that the user has now out of a room, and makes their tickets
for it worthless. A user whose token names the room may join it again.
${PARTIAL}`,
  options: managerOptions,
  examples: [{ line: "pushcast leave ann lobby", doc: "ann gets nothing more of the lobby" }],
  run: async ({ options, positionals }, context) => {
    const [user = "", room = ""] = takePositionals(positionals, ["USER", "ROOM"]);
    return await command(options, context, {
      call: (client) => client.leaveRoom(user, room),
      done: `Took ${user} out of ${room}`,
    });
  },
});

/** Has the nodes carry out something on sessions, and shows what they said. */
export async function command(
  options: ManagerOptionValues,
  context: Context,
  { call, done }: { call(client: PushClient): Promise<PushReport>; readonly done: string },
): Promise<ExitCode> {
  const { output } = context;
  const [{ withManager }, words, { printable }] = await Promise.all([
    import("../manager/manager-client.ts"),
    import("../manager/report-words.ts"),
    import("../frame/printable.ts"),
  ]);
  const report = await withManager(options, context, call);
  const sessions = report.sessionsDelivered + report.sessionsLagging;
  output.result({ report: words.reportJson(report) }, () => [
    sessions === 0
      ? output.style("yellow", "The user has no open session: there was nothing to do.")
      : `${printable(done)} (${words.count(sessions, "session")} on ${words.count(report.nodesMatched, "node")}).`,
    ...words.acknowledgementWords(report, output),
  ]);
  return report.failures.length > 0 ? EXIT_CODES.partial : EXIT_CODES.ok;
}
