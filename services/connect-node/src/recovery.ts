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

export type Judgement =
  /** `offset` is that of the first publication to be replayed. */
  | { readonly recovered: true; readonly offset: number }
  | { readonly recovered: false; readonly refusal: RecoveryRefusal };

/**
 * Judges whether everything after a client's position is in this node's log, or will still come to
 * it, as far as the node has heard of it. A wrong "yes" loses messages in silence.
 */
export class Recovery {
  readonly #log: NodeLog;
  readonly #limits: RecoveryLimits;

  constructor(log: NodeLog, limits: RecoveryLimits) {
    this.#log = log;
    this.#limits = limits;
  }

  /**
   * Whether the subscription can be replayed from the position.
   * @param awayMs since the client last heard something on a connection on which it was answered
   */
  judge(subscription: Subscription, position: Position, awayMs: number, nowMs: number): Judgement {
    const refusal = this.#refusal(position, awayMs, nowMs);
    if (refusal !== undefined) return { recovered: false, refusal };
    const offset = this.#log.firstAbove(subscription, position);
    if (this.#log.countFrom(subscription, offset) > this.#limits.maxReplay) {
      return { recovered: false, refusal: "too much" };
    }
    return { recovered: true, offset };
  }

  #refusal(position: Position, awayMs: number, nowMs: number): RecoveryRefusal | undefined {
    const { logMs, lagMs } = this.#limits;
    // Epochs are forgotten after 2 × LOG_SECONDS: then the table no longer tells what is missing.
    if (awayMs > logMs) return "away too long";
    // A node that began while the client was away knows no epoch that ended before.
    if (awayMs + lagMs > this.#log.ageMs(nowMs)) return "log too young";
    return this.#log.epochs.covers(position) ? undefined : "not in the log";
  }
}
