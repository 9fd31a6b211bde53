import { type Finding, fail, notChecked, ok } from "../finding.ts";
import type { OpsFacts } from "../probes/ops.ts";

const METRICS = ["push_manager_common_setting", "connect_node_common_setting"];

/** Judges whether the processes have the same values of the settings that they must share. */
export function checkCommonSettings(processes: readonly OpsFacts[]): Finding[] {
  const check = "common-settings";
  const values = new Map<string, Map<number, string[]>>();
  let said = 0;
  for (const facts of processes) {
    if (facts.problem !== undefined) continue;
    const series = METRICS.flatMap((name) => facts.metrics.series(name));
    if (series.length > 0) said += 1;
    for (const { labels, value } of series) {
      const setting = labels.setting ?? "";
      const byValue = values.get(setting) ?? new Map<number, string[]>();
      byValue.set(value, [...(byValue.get(value) ?? []), facts.address]);
      values.set(setting, byValue);
    }
  }
  if (said < 2) {
    return [
      notChecked(
        check,
        "whether the processes agree on LOG_BYTES, LOG_SECONDS, LAG_SECONDS and others",
        "Give the ops ports of all processes: --ops host:port,…",
      ),
    ];
  }
  const different = [...values].filter(([, byValue]) => byValue.size > 1);
  if (different.length === 0) {
    return [ok(check, `${said} processes agree on ${[...values.keys()].sort().join(", ")}`)];
  }
  return different.map(([setting, byValue]) => {
    const has = [...byValue].map(([value, where]) => `${value} at ${where.join(", ")}`);
    return fail(
      check,
      `${setting} differs: ${has.join("; ")}`,
      `Give all processes the same ${setting}: what one has kept another must know to judge.`,
    );
  });
}
