/** What a push of the benchmark says: `m <n> <sent>` and filling up to its length. */
export interface BenchContent {
  /** Which push to its room it is. */
  readonly n: number;
  /** The machine's monotonic clock, which all its processes share. */
  readonly sentNs: bigint;
}

const MEASURED = "m";
const WARM_UP = "w";

export function writeContent({ n, sentNs }: BenchContent, isWarmUp: boolean, bytes: number) {
  return Buffer.from(`${isWarmUp ? WARM_UP : MEASURED} ${n} ${sentNs} `.padEnd(bytes, "x"));
}

/** Undefined for a push that only warmed up. */
export function readContent(content: Uint8Array): BenchContent | undefined {
  const [kind, n, sentNs] = Buffer.from(content).toString().split(" ", 3);
  if (kind !== MEASURED || n === undefined || sentNs === undefined) return undefined;
  return { n: Number(n), sentNs: BigInt(sentNs) };
}
