import { FailureReason } from "@pushcast/api";
import type { Outcome } from "./node-response.ts";
import type { AwaitedNode, PendingPush } from "./pending-push.ts";

const COMPACT_AT = 1024;

/** The pushes that await one node's acknowledgement, in the order of their seqs. */
export class AckQueue implements AwaitedNode {
  nodeId: string;
  missedDeadline = false;
  #pushes: PendingPush[] = [];
  /** Index of the first push that is still awaited; those before it are done with. */
  #first = 0;

  constructor(nodeId: string) {
    this.nodeId = nodeId;
  }

  get size(): number {
    return this.#pushes.length - this.#first;
  }

  add(push: PendingPush): void {
    push.awaitNode(this);
    this.#pushes.push(push);
  }

  /** The node has acknowledged everything up to `throughSeq`. */
  acknowledge(throughSeq: number, outcomes: readonly Outcome[]): void {
    this.missedDeadline = false;
    // Mostly an outcome is of the push after that of the one before it.
    let index = this.#first;
    for (const outcome of outcomes) {
      const { seq } = outcome;
      if (this.#pushes[index]?.seq !== seq) index = this.#indexFrom(seq);
      const push = this.#pushes[index];
      if (push?.seq !== seq) continue;
      push.addOutcome(this, outcome);
      index += 1;
    }
    while (this.#first < this.#pushes.length) {
      const push = this.#pushes[this.#first] as PendingPush;
      if (push.seq > throughSeq) break;
      // Or whoever called would be kept, with all of HTTP/2's stream, until the array is compacted.
      (this.#pushes as (PendingPush | undefined)[])[this.#first] = undefined;
      this.#first += 1;
      push.acked(this);
    }
    this.#compact();
  }

  /** The node does not get what is in (afterSeq, throughSeq]: the log has lost it. */
  failGap(afterSeq: number, throughSeq: number): void {
    for (let index = this.#indexFrom(afterSeq + 1); index < this.#pushes.length; index += 1) {
      const push = this.#pushes[index] as PendingPush;
      if (push.seq > throughSeq) return;
      push.failed(this, FailureReason.FAILURE_REASON_GAP, "fell off the log before it was sent");
    }
  }

  /** The node does not get the ephemeral ones in (afterSeq, throughSeq]: its link was behind. */
  failSkipped(afterSeq: number, throughSeq: number): void {
    for (let index = this.#indexFrom(afterSeq + 1); index < this.#pushes.length; index += 1) {
      const push = this.#pushes[index] as PendingPush;
      if (push.seq > throughSeq) return;
      if (push.ephemeral) {
        push.failed(
          this,
          FailureReason.FAILURE_REASON_SKIPPED,
          "ephemeral, and the link is behind",
        );
      }
    }
  }

  /** The link is down: nothing will be acknowledged. */
  failAll(message: string): void {
    const pushes = this.#pushes;
    const first = this.#first;
    this.#pushes = [];
    this.#first = 0;
    for (let index = first; index < pushes.length; index += 1) {
      (pushes[index] as PendingPush).failed(this, FailureReason.FAILURE_REASON_LINK_DOWN, message);
    }
  }

  /** Index of the first push at or above `seq`. */
  #indexFrom(seq: number): number {
    let low = this.#first;
    let high = this.#pushes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#pushes[middle] as PendingPush).seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compact(): void {
    if (this.#first === this.#pushes.length) {
      this.#pushes = [];
      this.#first = 0;
    } else if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#pushes.length) {
      this.#pushes = this.#pushes.slice(this.#first);
      this.#first = 0;
    }
  }
}
