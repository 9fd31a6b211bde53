import { MIB, milliseconds, percent, table } from "../table.ts";
import type { ManagerResult } from "./measure.ts";

/** The results as a table in Markdown, with a column for each. */
export function managerTable(results: readonly ManagerResult[]): string {
  const rows: [string, (result: ManagerResult) => string][] = [
    ["nodes", ({ plan }) => String(plan.nodes)],
    ["pushes by", ({ plan }) => (plan.via === "unary" ? "PushToRoom" : "PushStream")],
    ["pushes/s asked", ({ plan }) => (Number.isFinite(plan.rate) ? String(plan.rate) : "no limit")],
    ["pushes/s accepted", ({ rate }) => rate.toFixed(0)],
    ["refused, incomplete, lost", (r) => `${r.refused}, ${r.incomplete}, ${r.losses}`],
    ["pushes a message", ({ pushesAMessage }) => pushesAMessage.toFixed(1)],
    ["push → answer, p50", ({ answerMs }) => milliseconds(answerMs.p50)],
    ["p99", ({ answerMs }) => milliseconds(answerMs.p99)],
    ["manager CPU a push", (r) => `${r.managerCpuMicrosAPush.toFixed(0)} µs`],
    ["a push and node", (r) => `${r.managerCpuMicrosAPushAndNode.toFixed(2)} µs`],
    ["manager's CPU", ({ managerCpu }) => percent(managerCpu)],
    ["manager's RSS before, at most", ({ rssBytes }) => rss(rssBytes)],
    ["receivers' CPU", ({ receiversCpu }) => percent(receiversCpu)],
    ["publisher's CPU", ({ publisherCpu }) => percent(publisherCpu)],
    ["load average before, after", ({ load }) => load.map((one) => one.toFixed(1)).join(", ")],
  ];
  return table([
    ["", ...results.map(({ plan }) => plan.scenario)],
    ...rows.map(([name, write]) => [name, ...results.map(write)]),
  ]);
}

function rss({ before, peak }: ManagerResult["rssBytes"]): string {
  return `${(before / MIB).toFixed(0)}, ${(peak / MIB).toFixed(0)} MiB`;
}
