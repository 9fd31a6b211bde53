import type { Selectors } from "../selectors.ts";

export interface Alert {
  /** Begins with "Pushcast"; its section in the runbook has the same name. */
  readonly name: string;
  /** `critical`: users are hurt now. `warning`: they will be, or it is hidden from them so far. */
  readonly severity: "critical" | "warning";
  /** PromQL. The alert is active once for each series that this returns. */
  readonly expr: string;
  /** How long that must last before somebody is told, such as `5m`. */
  readonly for: string;
  /** One line, with the labels and the value of the series. */
  readonly summary: string;
  /** What it means for users. */
  readonly description: string;
}

export interface AlertGroup {
  readonly name: string;
  readonly alerts: readonly Alert[];
}

/** What the alerts need to know of an installation. */
export interface AlertScope {
  readonly selectors: Selectors;
  /** The fewest connect-nodes that there should be. */
  readonly connectNodes: number;
  /** The fewest push-managers that there should be. */
  readonly pushManagers: number;
  readonly etcdMembers: number;
  /** How long a connect-node may take to stop, before it is killed. */
  readonly graceSeconds: number;
}
