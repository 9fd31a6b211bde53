import type { Phase, StormResult } from "./storm.ts";
import { MIB, milliseconds, percent, table } from "./table.ts";

/** A storm as a table in Markdown with a column for each phase, and what there was once below. */
export function stormTable(result: StormResult): string {
  const { plan, before, storm, after, backMs, live, resuming, nodeRssBytes, loadBefore } = result;
  const phases = [before, storm, after];
  const row = (name: string, write: (phase: Phase) => string) => [name, ...phases.map(write)];
  const cells = [
    [plan.scenario, "before", "storm", "after"],
    row("seconds", ({ seconds }) => seconds.toFixed(1)),
    row("live push → client, p50", ({ latencyMs }) => milliseconds(latencyMs.p50)),
    row("p99", ({ latencyMs }) => milliseconds(latencyMs.p99)),
    row("max", ({ latencyMs }) => milliseconds(latencyMs.max)),
    row("node's longest event-loop delay", ({ loopDelayMs }) => milliseconds(loopDelayMs)),
    row("node's CPU", ({ nodeCpu }) => percent(nodeCpu)),
    row("busiest generator's CPU", ({ resumingCpu }) => percent(resumingCpu)),
  ];
  const lines = [
    `${plan.live} live, ${plan.resuming} resume, HANDSHAKE_BURST ${plan.burst ?? "by default"}, ${result.missed} messages missed`,
    `back with what they missed: p50 ${milliseconds(backMs.p50)}, p99 ${milliseconds(backMs.p99)}, last ${milliseconds(backMs.max)}`,
    `recovered: ${resuming.recovered} true, ${resuming.notRecovered} false; ${resuming.gaps} gaps`,
    `resuming: ${resuming.losses} lost or out of order, ${resuming.repeats} repeated`,
    `live: ${live.losses} lost, ${live.repeats} repeated, ${live.outOfOrder} out of order, ${live.refusedPushes} pushes refused`,
    `handshakes refused with Retry-After: ${resuming.refusals}; connections lost: ${resuming.lostConnections}`,
    `node's RSS: ${(nodeRssBytes.before / MIB).toFixed(0)} MiB before, ${(nodeRssBytes.peak / MIB).toFixed(0)} MiB at most`,
    `load average before: ${loadBefore.toFixed(2)}`,
  ];
  return [table(cells), "", ...lines.map((line) => `- ${line}`)].join("\n");
}
