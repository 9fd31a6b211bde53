import { defineCommand } from "../frame/command.ts";
import { flag, text, wholeNumber } from "../frame/option.ts";
import { takePositionals } from "../frame/read-arguments.ts";
import { managerOptions } from "../manager/manager-options.ts";

const DETAILS = `
Closes all sessions that the user has now, with 4410 unless --code says another.
Clients do not come back by themselves after 4410 and 4401, and do after others.

--revoke-tokens keeps them from coming back with the tokens that they have: all
nodes refuse those, for JWT_MAX_SECONDS.

Ends with 2 where a node did not acknowledge it: run it again.
`;

export const disconnectCommand = defineCommand({
  name: "disconnect",
  summary: "Close a user's sessions",
  forms: ["USER [options]"],
  details: DETAILS,
  options: {
    code: wholeNumber([4000, 4999], {
      placeholder: "NUMBER",
      doc: "The WebSocket close code (default: 4410, with --revoke-tokens 4401)",
    }),
    reason: text({ placeholder: "TEXT", doc: "Said to the client, at most 123 bytes" }),
    revokeTokens: flag({ doc: "Also refuse the user's tokens that were issued until now" }),
    ...managerOptions,
  },
  examples: [
    { line: "pushcast disconnect ann --reason 'Goodbye'", doc: "Close her sessions" },
    {
      line: "pushcast disconnect ann --revoke-tokens",
      doc: "A token was stolen: no one gets in with it any more",
    },
  ],
  run: async ({ options, positionals }, context) => {
    const [user = ""] = takePositionals(positionals, ["USER"]);
    const { code, reason, revokeTokens } = options;
    const { carryOut } = await import("../manager/carry-out.ts");
    return await carryOut(options, context, {
      call: (client) =>
        client.disconnectUser(user, {
          ...(code === undefined ? {} : { code }),
          ...(reason === undefined ? {} : { reason }),
          revokeTokens,
        }),
      done: `Disconnected ${user}`,
      ...(revokeTokens
        ? { also: `Tokens of ${user} that were issued before now are refused from now on.` }
        : {}),
    });
  },
});
