import type { NodeMessage } from "@pushcast/push-manager/console";
import { byId, make } from "./dom.ts";
import { plural } from "./words.ts";

/** What needs a look stands out. */
const CALM: ReadonlySet<string> = new Set(["ready", "live"]);

export function showNodes(nodes: readonly NodeMessage[]): void {
  const sorted = nodes.toSorted((a, b) =>
    a.nodeId.localeCompare(b.nodeId, "en", { numeric: true }),
  );
  byId("nodes", HTMLTableSectionElement).replaceChildren(...sorted.map(row));
  byId("node-totals", HTMLElement).textContent = totals(nodes);
}

function row({ nodeId, state, zone, version, link, lag, counts }: NodeMessage): HTMLElement {
  const name = make("th", "", nodeId);
  name.scope = "row";
  return make(
    "tr",
    "",
    name,
    make("td", "", badge(state)),
    make("td", "", zone || "–"),
    make("td", "", version || "–"),
    count(counts?.sessions),
    count(counts?.users),
    count(counts?.rooms),
    make("td", "", badge(link)),
    make("td", lag > 0 ? "number behind" : "number", lag.toLocaleString("en")),
  );
}

function count(value: number | undefined): HTMLElement {
  return make("td", "number", value === undefined ? "–" : value.toLocaleString("en"));
}

function badge(word: string): HTMLElement {
  return make("span", CALM.has(word) ? "badge calm" : "badge", word);
}

function totals(nodes: readonly NodeMessage[]): string {
  const counted = nodes.flatMap(({ counts }) => counts ?? []);
  const sessions = counted.reduce((sum, counts) => sum + counts.sessions, 0);
  const silent = nodes.length - counted.length;
  const answered = silent === 0 ? "" : `; ${plural(silent, "node")} did not answer`;
  return `${plural(nodes.length, "node")}, ${plural(sessions, "session")}${answered}`;
}
