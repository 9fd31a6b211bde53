import type { NodeList, NodeStatus } from "@pushcast/api";
import type { Output } from "../frame/output.ts";
import { printable } from "../frame/printable.ts";

export function nodesJson({ nodes, nodesTotal, nodesAnswered }: NodeList): object {
  return {
    nodes_total: nodesTotal,
    nodes_answered: nodesAnswered,
    nodes: nodes.map((node) => ({
      node_id: node.nodeId,
      grpc_address: node.grpcAddress,
      state: node.state,
      zone: node.zone,
      version: node.version,
      started_at_ms: node.startedAtMs,
      link: node.link,
      lag: node.lag,
      sessions: node.sessions,
      users: node.users,
      rooms: node.rooms,
    })),
  };
}

/** The nodes as a table, and their sums. */
export function nodesWords(
  { nodes, nodesTotal, nodesAnswered }: NodeList,
  output: Pick<Output, "table" | "style">,
  nowMs: number,
): string[] {
  if (nodes.length === 0) return [output.style("yellow", "No node is known.")];
  const sorted = [...nodes].sort((a, b) => a.nodeId.localeCompare(b.nodeId));
  const sessions = nodes.reduce((sum, node) => sum + node.sessions, 0);
  const answers = nodesAnswered < nodesTotal ? `, ${nodesAnswered} of them answered` : "";
  return [
    ...output.table({
      columns: [
        { title: "NODE", shrinks: true },
        { title: "STATE" },
        { title: "LINK" },
        { title: "LAG", align: "right" },
        { title: "SESSIONS", align: "right" },
        { title: "USERS", dropOrder: 1, align: "right" },
        { title: "ROOMS", dropOrder: 2, align: "right" },
        { title: "ZONE", dropOrder: 5, shrinks: true },
        { title: "VERSION", dropOrder: 4 },
        { title: "UP", dropOrder: 3, align: "right" },
        { title: "ADDRESS", dropOrder: 6, shrinks: true },
      ],
      rows: sorted.map((node) => row(node, nowMs)),
    }),
    "",
    `${nodesTotal} node${nodesTotal === 1 ? "" : "s"}${answers}, ${sessions} session${sessions === 1 ? "" : "s"}`,
  ];
}

function row(node: NodeStatus, nowMs: number): string[] {
  return [
    printable(node.nodeId),
    printable(node.state) || "gone",
    printable(node.link),
    String(node.lag),
    String(node.sessions),
    String(node.users),
    String(node.rooms),
    printable(node.zone) || "–",
    printable(node.version) || "–",
    node.startedAtMs === 0 ? "–" : ageInWords(nowMs - node.startedAtMs),
    printable(node.grpcAddress),
  ];
}

const STEPS: readonly (readonly [unit: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
];

/** The largest unit that fits, in whole numbers: `4d`, `12m`. */
export function ageInWords(ageMs: number): string {
  const [unit, ms] = STEPS.find(([, ms]) => ageMs >= ms) ?? ["s", 1_000];
  return `${Math.max(0, Math.floor(ageMs / ms))}${unit}`;
}
