import { defineCommand } from "../frame/command.ts";
import { duration, flag } from "../frame/option.ts";
import { takePositionals } from "../frame/read-arguments.ts";
import { managerOptions } from "../manager/manager-options.ts";

const DETAILS = `
Shows the connect-nodes that the push-manager knows: what they have registered,
how its link to each is, and how many sessions they have.

On a terminal it is shown anew again and again, until Ctrl-C. Elsewhere it is
shown once, and with --watch again and again: with --json one object a line.

LINK is live (pushes go to the node at once), connecting, closing (the node or
the push-manager stops), or down (the node gets pushes late, or not at all). LAG
is how many publications the node has not acknowledged yet.
`;

export const nodesCommand = defineCommand({
  name: "nodes",
  summary: "Show the connect-nodes, live",
  forms: ["[options]"],
  details: DETAILS,
  options: {
    once: flag({ doc: "Show them once, also on a terminal. Ends with 2 where one did not answer" }),
    watch: flag({ doc: "Show them again and again, also where there is no terminal" }),
    every: duration("1s", { doc: "How often" }),
    ...managerOptions,
  },
  examples: [
    { line: "pushcast nodes", doc: "Watch the nodes" },
    {
      line: "pushcast nodes --json | jq '.nodes[] | select(.link != \"live\").node_id'",
      doc: "Those to which the link is not live",
    },
  ],
  runsUntilInterrupted: true,
  run: async ({ options, positionals }, context) => {
    takePositionals(positionals, []);
    const { output, signal } = context;
    const { once, watch, every } = options;
    const isLive = !once && (watch || output.isLive);
    const [{ withManager }, { watchNodes }, { nodesJson, nodesWords }, { warnIfPartial }] =
      await Promise.all([
        import("../manager/manager-client.ts"),
        import("../manager/watch-nodes.ts"),
        import("../manager/nodes-words.ts"),
        import("../manager/counts.ts"),
      ]);
    if (isLive) return await watchNodes(options, context, every);
    const list = await withManager(options, context, (client) => client.listNodes({ signal }));
    output.result(nodesJson(list), () => nodesWords(list, output, Date.now()));
    return warnIfPartial(list, output);
  },
});
