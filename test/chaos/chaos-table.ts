import { addCounts, type DeliveryCounts, noDeliveries } from "@pushcast/log";

/** What happened while one kind of fault did. */
export interface ChaosRow {
  readonly name: string;
  readonly times: number;
  readonly pushes: number;
  readonly retries: number;
  /** Clients that were not live again when all was over. */
  readonly notLive: number;
  /** Of what the clients were sent, such as frames that are malformed. */
  readonly warnings: number;
  readonly counts: DeliveryCounts;
}

/** Whether there was what may never be. What was lost and came after all lowers a later row's count. */
export function isViolated({ notLive, warnings, counts }: ChaosRow): boolean {
  const { lost, repeated, outOfOrder, misdirected } = counts;
  return [notLive, warnings, lost, repeated, outOfOrder, misdirected].some((count) => count > 0);
}

export function sumOfRows(name: string, rows: readonly ChaosRow[]): ChaosRow {
  const counts = noDeliveries();
  const total = { name, times: 0, pushes: 0, retries: 0, notLive: 0, warnings: 0 };
  for (const row of rows) {
    total.times += row.times;
    total.pushes += row.pushes;
    total.retries += row.retries;
    total.notLive += row.notLive;
    total.warnings += row.warnings;
    addCounts(counts, row.counts);
  }
  return { ...total, counts };
}

const COLUMNS: readonly [string, (row: ChaosRow) => string | number][] = [
  ["fault", ({ name }) => name],
  ["times", ({ times }) => times],
  ["pushes", ({ pushes }) => pushes],
  ["retried", ({ retries }) => retries],
  ["deliveries", ({ counts }) => counts.deliveries],
  ["lost", ({ counts }) => counts.lost],
  ["repeated", ({ counts }) => counts.repeated],
  ["out of order", ({ counts }) => counts.outOfOrder],
  ["misdirected", ({ counts }) => counts.misdirected],
  ["gaps said", ({ counts }) => counts.gaps],
  ["needless", ({ counts }) => counts.needlessGaps],
  ["recovered", ({ counts }) => counts.recovered],
  ["not recovered", ({ counts }) => counts.notRecovered],
];

/** A table in Markdown: a row for each kind of fault, and a total. */
export function chaosTable(rows: readonly ChaosRow[]): string {
  const lines = [
    COLUMNS.map(([heading]) => heading),
    COLUMNS.map((_, index) => (index === 0 ? "---" : "---:")),
    ...[...rows, sumOfRows("total", rows)].map((row) =>
      COLUMNS.map(([, read]) => {
        const value = read(row);
        return typeof value === "number" ? value.toLocaleString("en") : value;
      }),
    ),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
