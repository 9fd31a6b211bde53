import { selectorsIn } from "../selectors.ts";
import type { Panel, Row } from "./panel.ts";
import { dashboardRows } from "./rows/rows.ts";

/** What is used here of Grafana's model of a dashboard, which Grafana 10 and later read. */
export interface GrafanaDashboard {
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly schemaVersion: number;
  readonly refresh: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly templating: { readonly list: readonly object[] };
  readonly panels: readonly GrafanaPanel[];
}

interface GrafanaPanel extends Content {
  readonly id: number;
  readonly gridPos: Size & { readonly x: number; readonly y: number };
}

interface Content {
  readonly type: "row" | "timeseries" | "stat";
  readonly title: string;
  readonly [further: string]: unknown;
}

/** In units of Grafana's grid. */
interface Size {
  readonly w: number;
  readonly h: number;
}

const SCHEMA_VERSION = 39;
const GRID_WIDTH = 24;
const SIZES = {
  graph: { w: 8, h: 7 },
  number: { w: 4, h: 4 },
} as const;
const HEADING_SIZE = { w: GRID_WIDTH, h: 1 } as const;
/** Grafana takes no longer one. */
const MAX_UID_CHARS = 40;

const DATASOURCE = { type: "prometheus", uid: "$datasource" } as const;

/** The dashboard of one installation. The Prometheus that it asks is chosen on it. */
export function grafanaDashboard(namespace: string): GrafanaDashboard {
  return {
    uid: `pushcast-${namespace}`.slice(0, MAX_UID_CHARS),
    title: `Pushcast: ${namespace}`,
    tags: ["pushcast"],
    schemaVersion: SCHEMA_VERSION,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    templating: { list: [datasourceVariable()] },
    panels: laidOut(dashboardRows(selectorsIn(namespace))),
  };
}

function datasourceVariable(): object {
  return { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" };
}

/** Panels from left to right and from top to bottom, below the heading of their row. */
function laidOut(rows: readonly Row[]): GrafanaPanel[] {
  const laid: GrafanaPanel[] = [];
  const lay = (what: Content, x: number, y: number, size: Size) => {
    laid.push({ id: laid.length + 1, ...what, gridPos: { x, y, ...size } });
  };
  let y = 0;
  for (const { title, panels } of rows) {
    lay(heading(title), 0, y, HEADING_SIZE);
    y += HEADING_SIZE.h;
    for (const line of linesOf(panels)) {
      let x = 0;
      for (const panel of line) {
        lay(content(panel), x, y, sizeOf(panel));
        x += sizeOf(panel).w;
      }
      y += Math.max(...line.map((panel) => sizeOf(panel).h));
    }
  }
  return laid;
}

/** As many panels a line as have room beside each other. */
function linesOf(panels: readonly Panel[]): Panel[][] {
  const lines: Panel[][] = [];
  let room = 0;
  for (const panel of panels) {
    const { w } = sizeOf(panel);
    if (w > room) {
      lines.push([]);
      room = GRID_WIDTH;
    }
    lines.at(-1)?.push(panel);
    room -= w;
  }
  return lines;
}

function sizeOf({ kind = "graph" }: Panel): Size {
  return SIZES[kind];
}

function heading(title: string): Content {
  return { type: "row", title, collapsed: false, panels: [] };
}

function content({ kind = "graph", title, description, unit, queries }: Panel): Content {
  const targets = queries.map(({ expr, legend }, index) => ({
    refId: String.fromCharCode("A".charCodeAt(0) + index),
    datasource: DATASOURCE,
    expr,
    legendFormat: legend,
    instant: kind === "number",
    range: kind === "graph",
  }));
  return {
    type: kind === "number" ? "stat" : "timeseries",
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options:
      kind === "number"
        ? { graphMode: "none", colorMode: "none", reduceOptions: { calcs: ["lastNotNull"] } }
        : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
    targets,
  };
}
