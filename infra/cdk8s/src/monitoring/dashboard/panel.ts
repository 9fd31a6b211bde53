/** How Grafana writes the numbers of a panel. */
export type Unit = "short" | "ops" | "s" | "bytes" | "percentunit";

/** One PromQL query, and what its series are called, such as `{{pod}}`. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** What it is good for: shown where one points at the title. */
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** @default graph */
  readonly kind?: "graph" | "number";
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** The window of rates: Grafana sets it by the scrape interval and the time shown. */
export const RATE_WINDOW = "[$__rate_interval]";

/** A counter's growth a second. */
export function rateOf(metric: string, matchers: string, by: string): string {
  return `sum by (${by}) (rate(${metric}{${matchers}}${RATE_WINDOW}))`;
}

/** Half and 99 of 100 of what a histogram counts. */
export function quantilesOf(histogram: string, matchers: string): Query[] {
  const buckets = rateOf(`${histogram}_bucket`, matchers, "le");
  return [
    { expr: `histogram_quantile(0.5, ${buckets})`, legend: "half" },
    { expr: `histogram_quantile(0.99, ${buckets})`, legend: "99 of 100" },
  ];
}

/** A gauge as it is, by pod. */
export function byPod(metric: string, matchers: string): Query[] {
  return [{ expr: `${metric}{${matchers}}`, legend: "{{pod}}" }];
}

/** A gauge of a service that has its limit in another, with `max_` before what it counts, by pod. */
export function shareOfLimit(metric: string, matchers: string): Query[] {
  const limit = metric.replace(/^(push_manager|connect_node)_/, "$1_max_");
  return [{ expr: `${metric}{${matchers}} / ${limit}{${matchers}}`, legend: "{{pod}}" }];
}
