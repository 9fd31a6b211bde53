import type { BenchResult } from "./bench.ts";
import { generatorLimit } from "./generator-load.ts";
import type { Histogram } from "./histogram.ts";
import type { BenchPlan } from "./plan.ts";

const QUANTILES = { p50: 0.5, p90: 0.9, p99: 0.99 } as const;
/** Fewer pushes than that a second are not the rate that was asked for. */
const REACHED_SHARE = 0.97;

/** What was asked and how it was done. */
export interface BenchSituation {
  readonly plan: BenchPlan;
  readonly unary: boolean;
  /** The push-manager or the nodes run on this machine, too. */
  readonly sharesMachine: boolean;
}

/** For programs. Latencies are milliseconds, null where nothing came. */
export function resultJson({ plan, unary }: BenchSituation, result: BenchResult): object {
  const limit = generatorLimit(result.generator);
  return {
    clients: plan.clients,
    rooms: plan.rooms,
    bytes: plan.bytes,
    seconds: plan.seconds,
    call: unary ? "PushToRoom" : "PushStream",
    rate_asked: plan.rate,
    rate_reached: rounded(result.reachedRate),
    pushes_accepted: result.accepted,
    pushes_failed: Object.fromEntries(result.failed),
    deliveries: result.delivered,
    deliveries_per_second: rounded(result.deliveriesPerSecond),
    lost: result.lost,
    repeated: result.repeated,
    disconnected: result.disconnected,
    latency_ms: latencies(result.latency),
    generator: {
      busy: rounded(result.generator.busy),
      loop_delay_p99_ms: rounded(result.generator.delayP99Ms),
      was_the_limit: limit !== undefined,
    },
  };
}

/** For people. */
export function resultLines(situation: BenchSituation, result: BenchResult): string[] {
  const { plan, unary, sharesMachine } = situation;
  const { p50, p90, p99, max } = latencies(result.latency);
  const { busy, delayP99Ms } = result.generator;
  const failed = [...result.failed].map(([code, count]) => `${count} ${code}`);
  const lines = [
    `${plan.clients} clients in ${plan.rooms} ${plan.rooms === 1 ? "room" : "rooms"}, ${plan.bytes} bytes, ${plan.seconds} s, by ${unary ? "PushToRoom" : "PushStream"}`,
    `Pushes      ${plan.rate}/s asked, ${result.reachedRate.toFixed(1)}/s reached; ${result.accepted} accepted, ${failed.length === 0 ? "none" : failed.join(", ")} failed`,
    `Deliveries  ${result.deliveriesPerSecond.toFixed(0)}/s; ${result.delivered} came, ${result.lost} lost, ${result.repeated} repeated`,
    `Latency     p50 ${p50} ms, p90 ${p90} ms, p99 ${p99} ms, max ${max} ms, from the call to the client`,
    `Generator   ${(busy * 100).toFixed(0)} % busy, event loop late by ${delayP99Ms.toFixed(1)} ms at p99`,
  ];
  if (result.disconnected > 0) {
    lines.push(`${result.disconnected} clients lost their connection during the run.`);
  }
  return [...lines, ...trust(result, plan, sharesMachine)];
}

/** Whether the figures can be believed. */
function trust(result: BenchResult, plan: BenchPlan, sharesMachine: boolean): string[] {
  const share =
    "The generator shares its CPU with the push-manager or a node: elsewhere they would do better.";
  return [verdict(result, plan), ...(sharesMachine ? [share] : [])];
}

function verdict(result: BenchResult, { rate }: BenchPlan): string {
  const isShort = result.reachedRate < REACHED_SHARE * rate;
  // Whoever waits for what fails is late himself.
  if (isShort && result.failed.size > 0) return "The rate was not reached: pushes failed.";
  const limit = generatorLimit(result.generator);
  if (limit !== undefined) {
    return `The generator was the limit: ${limit}. The installation may do better; ask for less, or run several at once.`;
  }
  return isShort
    ? "The rate was not reached, and not for the generator: the push-manager answered too slowly."
    : "The generator had time left: these are the installation's figures, with the network's between.";
}

function latencies(latency: Histogram): Record<keyof typeof QUANTILES | "max", number | null> {
  const of = (micros: number) => (Number.isNaN(micros) ? null : rounded(micros / 1_000));
  const isEmpty = Number.isNaN(latency.quantile(0.5));
  return {
    p50: of(latency.quantile(QUANTILES.p50)),
    p90: of(latency.quantile(QUANTILES.p90)),
    p99: of(latency.quantile(QUANTILES.p99)),
    max: isEmpty ? null : of(latency.max),
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
