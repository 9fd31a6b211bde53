import { defineCommand } from "../frame/command.ts";
import { takePositionals } from "../frame/read-arguments.ts";
import { managerOptions } from "../manager/manager-options.ts";

const DETAILS = `
Counts a user's sessions and lists the rooms that they are in, by asking all
nodes.

Ends with 2 where a node has not answered: some may then be missing.
`;

export const userCommand = defineCommand({
  name: "user",
  summary: "Show a user's sessions and rooms",
  forms: ["ID [options]"],
  details: DETAILS,
  options: managerOptions,
  examples: [
    { line: "pushcast user ann", doc: "Where ann is" },
    { line: "pushcast user ann --json | jq -r '.rooms[]'", doc: "Her rooms, one a line" },
  ],
  run: async ({ options, positionals }, context) => {
    const [id = ""] = takePositionals(positionals, ["ID"]);
    const [{ withManager }, { showCounts }] = await Promise.all([
      import("../manager/manager-client.ts"),
      import("../manager/counts.ts"),
    ]);
    const counts = await withManager(options, context, (client) => client.getUser(id));
    return showCounts(
      { user: id, sessions: counts.sessions, rooms: counts.rooms },
      counts,
      context.output,
    );
  },
});
