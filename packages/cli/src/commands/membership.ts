import { defineCommand } from "../frame/command.ts";
import { takePositionals } from "../frame/read-arguments.ts";
import { managerOptions } from "../manager/manager-options.ts";

const PARTIAL = `
Ends with 2 where a node did not acknowledge it: run it again.
`;

export const joinCommand = defineCommand({
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
    const { carryOut } = await import("../manager/carry-out.ts");
    return await carryOut(options, context, {
      call: (client) => client.joinRoom(user, room),
      done: `Put ${user} into ${room}`,
    });
  },
});

export const leaveCommand = defineCommand({
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
    const { carryOut } = await import("../manager/carry-out.ts");
    return await carryOut(options, context, {
      call: (client) => client.leaveRoom(user, room),
      done: `Took ${user} out of ${room}`,
    });
  },
});
