import type { Position } from "@pushcast/log";
import type { NodeLog } from "./node-log.ts";
import type { Subscription } from "./session.ts";

export interface RecoveryLimits {
  /** How long a client may have been away: `LOG_SECONDS`. */
  readonly logMs: number;
  /** How far a node may be behind without being told so: `LAG_SECONDS`. */
  readonly lagMs: number;
  /** Publications that one subscription may be replayed. */
  readonly maxReplay: number;
}

/** Why a client is not given what it missed. */
export type RecoveryRefusal = "away too long" | "log too young" | "not in the log" | "too much";

/**
 * Judges whether everything after a client's position is in this node's log, or will still come to
 * it. A wrong "yes" loses messages in silence, so whatever the node cannot know is a "no".
 */
export class Recovery {
  readonly #log: NodeLog;
  readonly #limits: RecoveryLimits;

  constructor(log: NodeLog, limits: RecoveryLimits) {
    this.#log = log;
    this.#limits = limits;
  }

  /**
   * Undefined if the subscription can be replayed from the position.
   * @param awayMs since the client last heard something on a connection on which it was answered
   */
  refusal(
    subscription: Subscription,
    position: Position,
    awayMs: number,
    nowMs: number,
  ): RecoveryRefusal | undefined {
    const { logMs, lagMs, maxReplay } = this.#limits;
    // Epochs are forgotten after 2 × LOG_SECONDS: then the table no longer tells what is missing.
    if (awayMs > logMs) return "away too long";
    // A node that began while the client was away knows no epoch that ended before.
    if (awayMs + lagMs > this.#log.ageMs(nowMs)) return "log too young";
    if (!this.#log.epochs.covers(position)) return "not in the log";
    const replay = this.#log.countFrom(subscription, this.#log.firstAbove(subscription, position));
    return replay > maxReplay ? "too much" : undefined;
  }
}
