import { type DeliveryReport, FailureReason } from "@pushcast/api";
import type { Expiring } from "./deadlines.ts";
import type { Outcome } from "./node-response.ts";
import type { PushTrace } from "./push-trace.ts";

const DEADLINE_MISSED = "did not acknowledge in time";

/** Of a push that nobody has acknowledged. Written out, because the generated `create` takes far longer. */
export function emptyReport(nodesTotal: number): DeliveryReport {
  return {
    nodesTotal,
    nodesAcked: 0,
    nodesMatched: 0,
    sessionsDelivered: 0,
    sessionsLagging: 0,
    failures: [],
    nodesDuplicate: 0,
  };
}

/** A node as a push sees it that waits for it. */
export interface AwaitedNode {
  readonly nodeId: string;
  /** It is not waited for until it acknowledges again. */
  missedDeadline: boolean;
}

/** One push that awaits nodes, and its report as far as it is known. */
export class PendingPush implements Expiring {
  readonly seq: number;
  readonly ephemeral: boolean;
  readonly report: DeliveryReport;
  deadlineSlot = 0;
  /** Unordered; a node leaves it when it has acknowledged or failed. */
  readonly #awaited: AwaitedNode[] = [];
  readonly #judgesNodes: boolean;
  readonly #onSettled: (push: PendingPush) => void;
  readonly #trace: PushTrace | undefined;

  /**
   * @param judgesNodes whether a node that has not acknowledged when it expires has missed a
   *   deadline: not if the publisher's own was nearer
   * @param onSettled called once, when no node is awaited any more
   * @param trace of a push that is sampled
   */
  constructor(
    seq: number,
    ephemeral: boolean,
    nodesTotal: number,
    judgesNodes: boolean,
    onSettled: (push: PendingPush) => void,
    trace?: PushTrace,
  ) {
    this.seq = seq;
    this.ephemeral = ephemeral;
    this.#judgesNodes = judgesNodes;
    this.report = emptyReport(nodesTotal);
    this.#onSettled = onSettled;
    this.#trace = trace;
  }

  get awaitsAny(): boolean {
    return this.#awaited.length > 0;
  }

  awaitNode(node: AwaitedNode): void {
    this.#awaited.push(node);
    this.#trace?.queued(node);
  }

  /** A node that is not awaited from the start. */
  failAtOnce(nodeId: string, reason: FailureReason, message: string): void {
    this.report.failures.push({ nodeId, reason, message });
  }

  /** What a node did with it; `acked` follows. */
  addOutcome(node: AwaitedNode, outcome: Outcome): void {
    if (!this.#awaited.includes(node)) return;
    const { report } = this;
    if (outcome.sessionsDelivered + outcome.sessionsLagging > 0) report.nodesMatched += 1;
    if (outcome.duplicate) report.nodesDuplicate += 1;
    report.sessionsDelivered += outcome.sessionsDelivered;
    report.sessionsLagging += outcome.sessionsLagging;
    this.#trace?.outcome(node, outcome);
  }

  acked(node: AwaitedNode): void {
    if (!this.#remove(node)) return;
    this.report.nodesAcked += 1;
    this.#trace?.acked(node);
    this.#settleIfDone();
  }

  failed(node: AwaitedNode, reason: FailureReason, message: string): void {
    if (!this.#remove(node)) return;
    this.failAtOnce(node.nodeId, reason, message);
    this.#trace?.failed(node, message);
    this.#settleIfDone();
  }

  /** Its deadline has passed. */
  expire(): void {
    for (const node of this.#awaited) {
      if (this.#judgesNodes) node.missedDeadline = true;
      this.failAtOnce(node.nodeId, FailureReason.FAILURE_REASON_DEADLINE, DEADLINE_MISSED);
      this.#trace?.failed(node, DEADLINE_MISSED);
    }
    this.#awaited.length = 0;
    this.#onSettled(this);
  }

  #remove(node: AwaitedNode): boolean {
    const index = this.#awaited.indexOf(node);
    if (index < 0) return false;
    const last = this.#awaited.pop() as AwaitedNode;
    if (index < this.#awaited.length) this.#awaited[index] = last;
    return true;
  }

  #settleIfDone(): void {
    if (this.#awaited.length === 0) this.#onSettled(this);
  }
}
