import type { ClockOffset } from "../clock-offset.ts";
import { type Finding, fail, notChecked, ok, warn } from "../finding.ts";

export interface SeenClock {
  /** Whose it is: "the push-manager", "node-1", an address. */
  readonly of: string;
  readonly offset: ClockOffset;
}

/** Latencies in the metrics are off by as much, and people who compare logs are misled. */
const WARNING_MS = 1_000;
/** JWT_CLOCK_TOLERANCE_SECONDS by default: tokens that were just issued are refused. */
const FAILURE_MS = 5_000;

const ADVICE =
  "Let a time service (chrony, systemd-timesyncd) keep the clocks. Tokens are judged by the nodes' clocks (JWT_CLOCK_TOLERANCE_SECONDS), and latencies in the metrics are as good as the clocks agree.";

/** Judges the clocks that could be seen, each against that of this machine. */
export function checkClocks(clocks: readonly SeenClock[]): Finding[] {
  if (clocks.length === 0) {
    return [
      notChecked(
        "clocks",
        "no clock of another process could be seen",
        "Give --ops or --etcd, or --manager with --url.",
      ),
    ];
  }
  const findings = clocks.map(checkClock);
  const apart = clocks.filter(({ offset }) => certainlyOffMs(offset) > WARNING_MS);
  // This machine's clock is the measure: where all others are off alike, it is itself that is.
  if (clocks.length > 1 && apart.length === clocks.length && haveCommonOffset(clocks)) {
    findings.push(
      warn(
        "clock-of-this-machine",
        "all clocks that were seen agree with each other and differ from this machine's",
        "It is probably this machine's clock that is wrong.",
      ),
    );
  }
  return findings;
}

function checkClock({ of, offset }: SeenClock): Finding {
  const check = "clock";
  const found = `${of}: ${inWords(offset)}`;
  const offMs = certainlyOffMs(offset);
  if (offMs > FAILURE_MS) return fail(check, found, ADVICE);
  if (offMs > WARNING_MS) return warn(check, found, ADVICE);
  return ok(check, found);
}

/** How far it is off whatever is true within the bounds. */
function certainlyOffMs({ leastMs, mostMs }: ClockOffset): number {
  return Math.max(0, leastMs, -mostMs);
}

function haveCommonOffset(clocks: readonly SeenClock[]): boolean {
  const least = Math.max(...clocks.map(({ offset }) => offset.leastMs));
  const most = Math.min(...clocks.map(({ offset }) => offset.mostMs));
  return least <= most;
}

function inWords({ leastMs, mostMs }: ClockOffset): string {
  const bounds = `between ${signed(leastMs)} and ${signed(mostMs)} of this machine's clock`;
  return leastMs <= 0 && mostMs >= 0 ? `no difference is provable: ${bounds}` : bounds;
}

function signed(ms: number): string {
  const rounded = Math.round(ms);
  return `${rounded > 0 ? "+" : ""}${rounded} ms`;
}
