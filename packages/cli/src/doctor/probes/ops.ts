import { errorWords } from "../../frame/error-words.ts";
import type { ClockSample } from "../clock-offset.ts";
import { clockSamples } from "./clock.ts";
import { httpGet } from "./http.ts";
import { MetricsText } from "./metrics-text.ts";

/** What an ops port says. */
export type OpsFacts =
  | { readonly address: string; readonly problem: string }
  | {
      readonly address: string;
      readonly problem?: never;
      readonly readyStatus: number;
      /** By name: "ok", or what is missing. */
      readonly readyChecks: Readonly<Record<string, string>>;
      readonly metrics: MetricsText;
      readonly clock: readonly ClockSample[];
    };

/** @param address `host:port` */
export async function probeOps(address: string, timeoutMs: number): Promise<OpsFacts> {
  const url = `http://${address}`;
  try {
    const [ready, metrics, clock] = await Promise.all([
      httpGet(`${url}/readyz`, { timeoutMs }),
      httpGet(`${url}/metrics`, { timeoutMs }),
      clockSamples(`${url}/livez`, { timeoutMs }),
    ]);
    if (metrics.status !== 200) {
      return { address, problem: `/metrics answers ${metrics.status}: no ops port` };
    }
    return {
      address,
      readyStatus: ready.status,
      readyChecks: checksIn(ready.body),
      metrics: new MetricsText(metrics.body),
      clock,
    };
  } catch (error) {
    return { address, problem: errorWords(error) };
  }
}

function checksIn(body: string): Record<string, string> {
  try {
    const { checks } = JSON.parse(body) as { checks?: unknown };
    if (typeof checks !== "object" || checks === null) return {};
    return Object.fromEntries(Object.entries(checks).map(([name, text]) => [name, String(text)]));
  } catch {
    return {};
  }
}
