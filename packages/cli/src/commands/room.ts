import { defineCommand } from "../frame/command.ts";
import { takePositionals } from "../frame/read-arguments.ts";
import { managerOptions } from "../manager/manager-options.ts";

const DETAILS = `
Counts a room's sessions and users, by asking all nodes. A user with sessions on
two nodes counts twice. A room is there while somebody is in it.

Ends with 2 where a node has not answered: the counts are then too low.
`;

export const roomCommand = defineCommand({
  name: "room",
  summary: "Count who is in a room",
  forms: ["NAME [options]"],
  details: DETAILS,
  options: managerOptions,
  examples: [
    { line: "pushcast room lobby", doc: "Who is in the lobby, and on which nodes" },
    { line: "pushcast room lobby --json | jq .sessions", doc: "Only how many" },
  ],
  run: async ({ options, positionals }, context) => {
    const [name = ""] = takePositionals(positionals, ["NAME"]);
    const [{ withManager }, { showCounts }] = await Promise.all([
      import("../manager/manager-client.ts"),
      import("../manager/counts.ts"),
    ]);
    const counts = await withManager(options, context, (client) => client.getRoom(name));
    return showCounts(
      { room: name, sessions: counts.sessions, users: counts.users },
      counts,
      context.output,
    );
  },
});
