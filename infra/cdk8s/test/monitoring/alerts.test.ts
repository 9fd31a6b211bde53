import { expect, test } from "vitest";
import type { AlertingRule } from "../../src/monitoring/alerts/prometheus-rules.ts";
import type { AlertCase, Labels, Series } from "./alert-cases/alert-case.ts";
import { ALERT_CASES } from "./alert-cases/index.ts";
import { RULES } from "./example-rules.ts";
import { type Promtool, promtool } from "./promtool.ts";

const QUIET_MINUTES = 30;

const names = RULES.map(({ alert }) => alert);

test("each alert has a name of its own, and a case in which it fires", () => {
  expect(new Set(names).size).toBe(names.length);
  expect([...new Set(ALERT_CASES.map(({ alert }) => alert))]).toEqual(names);
});

test.each(ALERT_CASES)("$alert fires in time, and not where things are less bad", (alertCase) => {
  const { output, passed } = play(alertCase);
  expect(passed, output).toBe(true);
});

test("a case whose alert does not fire fails", () => {
  const [first] = ALERT_CASES as readonly [AlertCase];
  const { output, passed } = play({ ...first, fires: { ...first.fires, series: first.quiet } });
  expect(passed).toBe(false);
  expect(output).toContain(`alertname: ${first.alert}, time: ${first.fires.atMinute}m`);
});

/** Lets promtool play both halves of a case, with the case's own alert as the only rule. */
function play({ alert, fires, quiet }: AlertCase): Promtool {
  const rule = RULES.find((candidate) => candidate.alert === alert) as AlertingRule;
  const { atMinute, labels, value } = fires;
  const firing = {
    exp_labels: { ...rule.labels, ...labels },
    exp_annotations: Object.fromEntries(
      Object.entries(rule.annotations).map(([name, text]) => [name, filledIn(text, labels, value)]),
    ),
  };
  const at = (minute: number, alerts: readonly object[]) => ({
    eval_time: `${minute}m`,
    alertname: alert,
    exp_alerts: alerts,
  });
  return promtool(["test", "rules", "tests.yaml"], {
    "rules.yaml": { groups: [{ name: "one", rules: [rule] }] },
    "tests.yaml": {
      rule_files: ["rules.yaml"],
      evaluation_interval: "1m",
      tests: [
        {
          interval: "1m",
          input_series: inputSeries(fires.series),
          alert_rule_test: [at(atMinute - 1, []), at(atMinute, [firing])],
        },
        {
          interval: "1m",
          input_series: inputSeries(quiet),
          alert_rule_test: Array.from({ length: QUIET_MINUTES }, (_, minute) => at(minute, [])),
        },
      ],
    },
  });
}

function inputSeries(series: Series): object[] {
  return Object.entries(series).map(([name, values]) => ({ series: name, values }));
}

/** As Prometheus fills in an annotation, where it writes the value like that. */
function filledIn(text: string, labels: Labels, value = "no value"): string {
  return text
    .replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? "")
    .replace(/\{\{ \$value[^}]*\}\}/g, value);
}
