import type { Clock } from "@pushcast/runtime";

/** What a command works with, besides its own options. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Gets the lines that a person reads. */
  print(line: string): void;
}
