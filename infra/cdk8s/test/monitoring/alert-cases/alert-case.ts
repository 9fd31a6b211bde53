export type Labels = Readonly<Record<string, string>>;

/** Samples by series, one a minute, as promtool writes them: `5+1x3` is 5 6 7 8. */
export type Series = Readonly<Record<string, string>>;

/** An alert that fires, and does not where things are just not as bad. */
export interface AlertCase {
  readonly alert: string;
  readonly fires: {
    readonly series: Series;
    /** From when on it fires: it does not a minute before. */
    readonly atMinute: number;
    /** Those of its series; every alert has `namespace` and `severity` besides. */
    readonly labels: Labels;
    /** The value as its texts show it. @default none of them does */
    readonly value?: string;
  };
  /** Nothing fires here in the half hour that follows. */
  readonly quiet: Series;
}

export const NAMESPACE = "pushcast";

type SeriesOf = (metric: string, labels?: Labels) => string;

/** Series of one pod of a workload: `connect_node_users{job="connect-node",pod="connect-node-1",…}`. */
function seriesOf(job: string): SeriesOf {
  return (metric, labels = {}) => {
    const all = { namespace: NAMESPACE, job, pod: `${job}-1`, ...labels };
    const matchers = Object.entries(all).map(([name, value]) => `${name}="${value}"`);
    return `${metric}{${matchers.join(",")}}`;
  };
}

export const manager = seriesOf("push-manager");
export const node = seriesOf("connect-node");
export const etcd = seriesOf("etcd");

/** The same at all times. */
export function always(value: number): string {
  return `${value}+0x60`;
}

/** A counter that grows from 0 on by so much each minute. */
export function perMinute(growth: number): string {
  return `0+${growth}x60`;
}

/** A counter that grows by so much, once. */
export function once(growth: number): string {
  return `0+0x2 ${growth}+0x60`;
}
