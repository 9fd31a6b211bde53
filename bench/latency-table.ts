import type { LatencyResult, Percentiles } from "./latency-types.ts";

/** The result as a table in Markdown. */
export function resultTable(result: LatencyResult): string {
  const { plan } = result;
  const rows: [string, string][] = [
    ["connect-nodes", String(plan.nodes)],
    ["sessions", `${result.sessions} in ${plan.rooms} rooms`],
    ["rate", `${result.rate.toFixed(1)} pushes/s of ${plan.contentBytes} bytes`],
    ["pushes", `${result.pushes} accepted, ${result.refused} refused`],
    ["deliveries", String(result.deliveries)],
    ["losses", String(result.losses)],
    ["repeats", String(result.repeats)],
    ["out of order", String(result.outOfOrder)],
    ["push → client", milliseconds(result.latencyMs)],
    ["push → answer", milliseconds(result.answerMs)],
    ["manager CPU", `${result.managerCpuMicrosAPush.toFixed(0)} µs a push`],
    ["nodes CPU", `${result.nodesCpuMicrosADelivery.toFixed(0)} µs a delivery, idle work included`],
    ["machine", result.machine],
    ["Node.js", result.nodeVersion],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `| ${name.padEnd(width)} | ${value} |`);
  return [`| ${"".padEnd(width)} | |`, `|${"-".repeat(width + 2)}|---|`, ...lines].join("\n");
}

function milliseconds({ p50, p90, p99, max }: Percentiles): string {
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  return `p50 ${ms(p50)}, p90 ${ms(p90)}, p99 ${ms(p99)}, max ${ms(max)}`;
}
