// What other benchmarks count with, too.
export { Histogram } from "./histogram.ts";
export { Sequence } from "./sequence.ts";
