/** One figure: what it has to be, or nothing where it is told beside the others. */
export interface Goal {
  readonly what: string;
  readonly unit: "" | "%" | "KB" | "MiB" | "ms" | "µs" | "/s";
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Whether it stands among the goals although nothing is asked of it. @default false */
  readonly isReported?: boolean;
  /** Whether the largest of all rounds is told. @default false: the median */
  readonly isWorst?: boolean;
}

/** What is measured with pushcast alone, against goals in absolute figures. */
export interface Scenario<Figure extends string = string> {
  readonly name: string;
  /** What runs, in one sentence. */
  readonly setup: string;
  readonly goals: Readonly<Record<Figure, Goal>>;
  measure(): Promise<Readonly<Record<Figure, number>>>;
}

/** Undefined where there is no goal; what could not be measured meets none. */
export function isMet({ atMost, atLeast }: Goal, measured = Number.NaN): boolean | undefined {
  if (atMost === undefined && atLeast === undefined) return undefined;
  return measured <= (atMost ?? measured) && measured >= (atLeast ?? measured);
}

/** By which share of the goal it is missed. */
export function missedBy({ atMost, atLeast }: Goal, measured: number): number {
  return Math.max(measured / (atMost ?? measured) - 1, 1 - measured / (atLeast ?? measured));
}
