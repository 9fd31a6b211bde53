import type { NodeMessage } from "@pushcast/push-manager/console";
import { byId, make } from "./dom.ts";
import { figure, plural } from "./words.ts";

/** What needs a look stands out. */
const CALM: ReadonlySet<string> = new Set(["ready", "live"]);

export function showNodes(nodes: readonly NodeMessage[]): void {
  const sorted = nodes.toSorted((a, b) =>
    a.nodeId.localeCompare(b.nodeId, "en", { numeric: true }),
  );
  const body = byId("nodes", HTMLTableSectionElement);
  for (const [index, node] of sorted.entries()) {
    const shown = body.rows[index];
    if (shown === undefined) body.append(row(node));
    else update(shown, row(node));
  }
  while (body.rows.length > sorted.length) body.deleteRow(-1);
  byId("node-totals", HTMLElement).textContent = totals(nodes);
}

/** What has not changed stays, and with it what somebody has selected, to copy it. */
function update(shown: HTMLTableRowElement, fresh: HTMLTableRowElement): void {
  const cells = [...fresh.cells];
  for (const [index, cell] of [...shown.cells].entries()) {
    const now = cells[index];
    if (now !== undefined && !cell.isEqualNode(now)) cell.replaceWith(now);
  }
}

function row({
  nodeId,
  state,
  zone,
  version,
  link,
  lag,
  counts,
}: NodeMessage): HTMLTableRowElement {
  const name = make("th", "", nodeId);
  name.scope = "row";
  name.title = nodeId;
  return make(
    "tr",
    "",
    name,
    word(badge(state || "unknown")),
    word(zone || "–"),
    word(version || "–"),
    count(counts?.sessions),
    count(counts?.users),
    count(counts?.rooms),
    make("td", "", badge(link)),
    make("td", lag > 0 ? "number behind" : "number", lag.toLocaleString("en")),
  );
}

/** As long as its node likes. */
function word(content: string | HTMLElement): HTMLElement {
  const cell = make("td", "word", content);
  cell.title = cell.textContent;
  return cell;
}

function count(value: number | undefined): HTMLElement {
  return make("td", "number", value === undefined ? "–" : value.toLocaleString("en"));
}

function badge(word: string): HTMLElement {
  return make("span", CALM.has(word) ? "badge calm" : "badge", word);
}

function totals(nodes: readonly NodeMessage[]): string {
  if (nodes.length === 0) return "No node is known: pushes are refused";
  const counted = nodes.flatMap(({ counts }) => counts ?? []);
  const sessions = counted.reduce((sum, counts) => sum + counts.sessions, 0);
  const others = new Map<string, number>();
  for (const { state, link } of nodes) {
    for (const word of [state, ...(link === "live" ? [] : [`link ${link}`])]) {
      if (!CALM.has(word)) others.set(word, (others.get(word) ?? 0) + 1);
    }
  }
  const silent = nodes.length - counted.length;
  return [
    plural(nodes.length, "node"),
    ...[...others].map(([word, number]) => `${figure(number)} ${word}`),
    plural(sessions, "session"),
    ...(silent === 0 ? [] : [`${plural(silent, "node")} did not answer`]),
  ].join(", ");
}
