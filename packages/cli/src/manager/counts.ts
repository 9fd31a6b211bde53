import type { NodeCounts } from "@pushcast/api";
import { EXIT_CODES, type ExitCode } from "../frame/exit-codes.ts";
import type { Output } from "../frame/output.ts";
import { printable } from "../frame/printable.ts";

export interface Answered {
  readonly nodesTotal: number;
  readonly nodesAnswered: number;
}

/** A heading's name and value: a list is shown with commas. */
type Facts = Readonly<Record<string, string | number | readonly string[]>>;

/** Shows counts that came from all nodes, and those of each. */
export function showCounts(
  facts: Facts,
  { nodes, nodesTotal, nodesAnswered }: Answered & { readonly nodes: readonly NodeCounts[] },
  output: Output,
): ExitCode {
  const nameWidth = Math.max(...Object.keys(facts).map((name) => name.length));
  const sessions = nodes.filter((node) => node.sessions > 0);
  output.result(
    {
      ...facts,
      nodes_total: nodesTotal,
      nodes_answered: nodesAnswered,
      nodes: nodes.map(({ nodeId, ...counts }) => ({ node_id: nodeId, ...counts })),
    },
    () => [
      ...Object.entries(facts).map(
        ([name, value]) => `${output.style("bold", name.padEnd(nameWidth))}  ${inWords(value)}`,
      ),
      ...(sessions.length === 0
        ? []
        : [
            "",
            ...output.table({
              columns: [
                { title: "NODE", shrinks: true },
                { title: "SESSIONS", align: "right" },
                { title: "USERS", align: "right" },
              ],
              rows: sessions.map((node) => [
                printable(node.nodeId),
                String(node.sessions),
                String(node.users),
              ]),
            }),
          ]),
    ],
  );
  return warnIfPartial({ nodesTotal, nodesAnswered }, output);
}

/** Says it where nodes have not answered, and by the exit code too. */
export function warnIfPartial({ nodesTotal, nodesAnswered }: Answered, output: Output): ExitCode {
  if (nodesTotal === 0) output.warning("the push-manager knows no connect-node.");
  if (nodesAnswered >= nodesTotal) return EXIT_CODES.ok;
  output.warning(
    `${nodesAnswered} of ${nodesTotal} nodes have answered: what the others have is missing.`,
  );
  return EXIT_CODES.partial;
}

function inWords(value: Facts[string]): string {
  if (typeof value !== "object") return printable(String(value));
  return value.length === 0 ? "none" : value.map(printable).join(", ");
}
