import type { DialectName } from "../load/dialects.ts";
import type { Target } from "../load/messages.ts";
import type { PublisherDialectName } from "../load/publisher-dialects.ts";

/** What is compared: a server that sends a room's messages to the room's clients. */
export interface System {
  readonly name: string;
  readonly dialect: DialectName;
  readonly publisherDialect: PublisherDialectName;
  /** What it is run with beside its defaults, in a few words. */
  readonly setup: string;
  /** Whether servers and load may have any core. @default false: the servers have one, the load the others */
  readonly sharesCores?: boolean;
  /** The version that is installed; throws where it is not. */
  version(): string;
  start(): Promise<RunningSystem>;
}

export interface RunningSystem {
  /** Where clients connect, spread evenly. */
  readonly clients: readonly Target[];
  readonly publisher: Target;
  /** All that sends to clients. */
  readonly servers: readonly number[];
  /** What else takes part, on the load's cores: process ids, as in `servers`. */
  readonly beside: readonly number[];
  close(): Promise<void>;
}
