import { Fit } from "./fit.ts";
import { ACK_BYTES, DELIVERY_BYTES, LINK_BYTES, MANAGER_CPU, NODE_CPU } from "./quantities.ts";
import { isSaturated, type Run } from "./run.ts";
import type { Situation } from "./situation.ts";

/** What a process should take of its core at most, so that peaks have room. */
export const CORE_SHARE = 0.5;
/** Above what anybody pushes. */
const MAX_RATE = 1e9;
const FITTED_PARTS: readonly string[] = ["nodes", "managers"];

/** Whether a run is one of those that the fit is made from. */
export function isForFit({ part }: Run): boolean {
  return FITTED_PARTS.includes(part);
}

/** What pushing costs, as far as it was measured. */
export class CostModel {
  /** Cores that one manager takes. */
  readonly manager: Fit;
  /** Cores that one node takes. */
  readonly node: Fit;
  /** To one node by second, and what it answers. */
  readonly linkBytes: Fit;
  readonly ackBytes: Fit;
  readonly deliveryBytes: Fit;

  /** @param runs those that are not for the fit, or saturated, are left out */
  constructor(runs: readonly Run[]) {
    const fitted = runs.filter((run) => isForFit(run) && !isSaturated(run));
    this.manager = new Fit(MANAGER_CPU, fitted);
    this.node = new Fit(NODE_CPU, fitted);
    this.linkBytes = new Fit(LINK_BYTES, fitted);
    this.ackBytes = new Fit(ACK_BYTES, fitted);
    this.deliveryBytes = new Fit(DELIVERY_BYTES, fitted);
  }

  /** The largest rate at which a process takes no more than this of a core; 0 where it is idle above. */
  largestRate(of: Fit, cores: number, at: (pushes: number) => Situation): number {
    let [low, high] = [0, 1];
    if (of.predict(at(low)) > cores) return 0;
    while (high < MAX_RATE && of.predict(at(high)) <= cores) [low, high] = [high, high * 2];
    while (high - low > low / 1000) {
      const middle = (low + high) / 2;
      if (of.predict(at(middle)) <= cores) low = middle;
      else high = middle;
    }
    return low;
  }

  /** The fewest managers that take no more than this of a core each; infinite if idle ones take more. */
  managersFor(cores: number, at: (managers: number) => Situation): number {
    if (this.manager.predict({ ...at(1), pushes: 0, groups: 0 }) > cores) {
      return Number.POSITIVE_INFINITY;
    }
    let managers = 1;
    while (this.manager.predict(at(managers)) > cores) managers += 1;
    return managers;
  }
}
