import { CliError } from "../frame/cli-error.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";

/** What a measurement does. */
export interface BenchPlan {
  readonly clients: number;
  /** The clients are spread over them evenly. */
  readonly rooms: number;
  /** Pushes a second, to the rooms in turn. */
  readonly rate: number;
  readonly seconds: number;
  /** The content of each push. */
  readonly bytes: number;
}

/** The least and the most of each, and of what they come to together. One process can do no more. */
export const BENCH_LIMITS = {
  clients: [1, 5_000],
  rooms: [1, 5_000],
  rate: [1, 10_000],
  seconds: [1, 300],
  /** The least holds what the clients recognize a push by. */
  bytes: [32, 262_144],
  pushes: 1_000_000,
  deliveries: 50_000_000,
} as const;

/** A second before the measurement: connections, caches and compilers get warm. */
export const WARM_UP_SECONDS = 1;

/** Pushes that are measured. */
export function pushesOf({ rate, seconds }: BenchPlan): number {
  return rate * seconds;
}

/** @throws CliError if the plan as a whole is too much for one process, or makes no sense */
export function checkPlan(plan: BenchPlan): void {
  const { clients, rooms } = plan;
  if (rooms > clients) {
    throw refused(
      "BENCH_EMPTY_ROOMS",
      `${rooms} rooms for ${clients} clients: some would be empty`,
      {
        hint: "Give no more --rooms than --clients.",
      },
    );
  }
  const pushes = pushesOf(plan);
  if (pushes > BENCH_LIMITS.pushes) {
    throw refused(
      "BENCH_TOO_MANY_PUSHES",
      `--rate times --seconds are ${pushes} pushes, of at most ${BENCH_LIMITS.pushes}`,
    );
  }
  const deliveries = (pushes * clients) / rooms;
  if (deliveries > BENCH_LIMITS.deliveries) {
    throw refused(
      "BENCH_TOO_MANY_DELIVERIES",
      `these pushes are ${Math.round(deliveries)} deliveries, of at most ${BENCH_LIMITS.deliveries}`,
      { hint: "Fewer clients, more rooms, a lower rate, or a shorter time." },
    );
  }
}

function refused(code: string, message: string, { hint }: { readonly hint?: string } = {}) {
  return new CliError({ code, message, exitCode: EXIT_CODES.usage, ...(hint && { hint }) });
}
