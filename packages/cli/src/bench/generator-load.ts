import { type IntervalHistogram, monitorEventLoopDelay, performance } from "node:perf_hooks";

/** How much of this process the measurement itself has taken. */
export interface GeneratorLoad {
  /** The share of the time in which its event loop worked, 0 to 1. */
  readonly busy: number;
  /** 99 % of its timers fired no later than this. */
  readonly delayP99Ms: number;
}

const RESOLUTION_MS = 5;
const NS_PER_MS = 1e6;

/** Watches this process's event loop from when it is made. */
export class GeneratorWatch {
  readonly #begun = performance.eventLoopUtilization();
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#delay.enable();
  }

  stop(): GeneratorLoad {
    this.#delay.disable();
    const { utilization } = performance.eventLoopUtilization(this.#begun);
    return {
      busy: utilization,
      // What is recorded are the times between two looks.
      delayP99Ms: Math.max(0, this.#delay.percentile(99) / NS_PER_MS - RESOLUTION_MS),
    };
  }
}

const BUSY_LIMIT = 0.8;
const DELAY_LIMIT_MS = 25;

/** Why the figures are those of the generator rather than of the installation; undefined if they are not. */
export function generatorLimit({ busy, delayP99Ms }: GeneratorLoad): string | undefined {
  if (busy > BUSY_LIMIT)
    return `its event loop was busy for ${Math.round(busy * 100)} % of the time`;
  if (delayP99Ms > DELAY_LIMIT_MS) {
    return `its event loop was late by ${Math.round(delayP99Ms)} ms or more in 1 % of the looks: it had too little CPU`;
  }
  return undefined;
}
