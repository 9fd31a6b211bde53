import { cpus, release, totalmem } from "node:os";
import type { Result } from "./measure.ts";

export const MIB = 1024 * 1024;

/** The results as a table in Markdown, with a column for each. */
export function resultTable(results: readonly Result[]): string {
  const rows: [string, (result: Result) => string][] = [
    ["connect-nodes", ({ plan }) => String(plan.nodes)],
    ["connections", ({ plan }) => `${plan.live} live, ${plan.stalled} stalled`],
    ["rooms", ({ plan }) => `${plan.rooms} of ${(plan.live + plan.stalled) / plan.rooms}`],
    ["pushes/s", ({ rate, plan }) => `${rate.toFixed(1)} of ${plan.contentBytes} bytes`],
    ["pushes", ({ pushes, refused }) => `${pushes}, ${refused} refused`],
    ["deliveries", ({ deliveries }) => String(deliveries)],
    ["losses", ({ losses }) => String(losses)],
    ["repeats", ({ repeats }) => String(repeats)],
    ["out of order", ({ outOfOrder }) => String(outOfOrder)],
    ["push → client, p50", ({ latencyMs }) => milliseconds(latencyMs.p50)],
    ["p90", ({ latencyMs }) => milliseconds(latencyMs.p90)],
    ["p99", ({ latencyMs }) => milliseconds(latencyMs.p99)],
    ["max", ({ latencyMs }) => milliseconds(latencyMs.max)],
    ["push → answer, p50", ({ answerMs }) => milliseconds(answerMs.p50)],
    ["p99", ({ answerMs }) => milliseconds(answerMs.p99)],
    ["manager CPU a push", (result) => `${result.managerCpuMicrosAPush.toFixed(0)} µs`],
    ["nodes' CPU a delivery", (result) => `${result.nodesCpuMicrosADelivery.toFixed(0)} µs`],
    ["largest node's RSS", ({ nodeRssBytes }) => `${(nodeRssBytes / MIB).toFixed(0)} MiB`],
    ["clients' CPU", ({ clientsCpu }) => percent(clientsCpu)],
    ["publisher's CPU", ({ publisherCpu }) => percent(publisherCpu)],
    ["load average before", ({ loadBefore }) => loadBefore.toFixed(2)],
  ];
  const cells = [
    ["", ...results.map(({ plan }) => plan.scenario)],
    ...rows.map(([name, write]) => [name, ...results.map(write)]),
  ];
  return table(cells);
}

/** A table in Markdown; the first row is its head. */
export function table(cells: readonly (readonly string[])[]): string {
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const [head, ...body] = cells.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [head, rule, ...body].join("\n");
}

export function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(0)} % of a core`;
}

/** Where it was measured. */
export function machine(): string {
  const cores = cpus();
  const gib = Math.round(totalmem() / 1024 ** 3);
  const model = cores[0]?.model.trim() ?? "unknown";
  return `${cores.length} cores (${model}), ${gib} GiB, ${process.platform} ${release()}, loopback, Node.js ${process.version}`;
}
