import type { Publication, TailResponse } from "@pushcast/api";
import type { Clock, TimerHandle } from "@pushcast/runtime";
import type { KnownNode } from "../links.ts";
import type { TailStream } from "../node-connection.ts";

export interface RoomTailInit {
  readonly roomId: string;
  /** Every known node. */
  readonly nodes: () => Iterable<KnownNode>;
  readonly clock: Clock;
  /** From now on this node is read. */
  onNode(nodeId: string): void;
  /** No node can be read just now. */
  onWaiting(reason: string): void;
  /** @param skipped those that the node left out since the call before */
  onPublications(publications: readonly Publication[], skipped: number): void;
}

const RETRY_MS = 500;

/**
 * Reads along in one room: what all managers push to it, from any node that is ready, and from another
 * when that one goes.
 */
export class RoomTail {
  readonly #init: RoomTailInit;
  #stream: TailStream | undefined;
  #retry: TimerHandle | undefined;
  /** The node that was read last. */
  #nodeId = "";
  #isWaiting = false;
  #isClosed = false;
  /** For each epoch the last that was passed on: the next node may bring some again. */
  readonly #heads = new Map<string, bigint>();

  constructor(init: RoomTailInit) {
    this.#init = init;
  }

  /** Calls back already within this call, perhaps. */
  start(): void {
    this.#open();
  }

  close(): void {
    this.#isClosed = true;
    this.#init.clock.clearTimeout(this.#retry);
    this.#stream?.close();
  }

  #open(): void {
    const { roomId, nodes, onWaiting } = this.#init;
    const ready = [...nodes()].filter(
      ({ link, record }) => link.state === "live" && record.state === "ready",
    );
    // Another one than the last, if there is one.
    const node = ready.find(({ link }) => link.nodeId !== this.#nodeId) ?? ready[0];
    if (node === undefined) {
      if (!this.#isWaiting) onWaiting("no node is ready");
      this.#isWaiting = true;
      this.#retryLater();
      return;
    }
    this.#nodeId = node.link.nodeId;
    this.#stream = node.link.tail(roomId, {
      onResponse: (response) => this.#onResponse(response),
      onEnd: (reason) => this.#onEnd(reason),
    });
  }

  #onResponse({ nodeId, publications, skipped }: TailResponse): void {
    if (nodeId !== "") {
      this.#isWaiting = false;
      this.#init.onNode(nodeId);
    }
    const fresh = publications.filter((publication) => this.#isNew(publication));
    if (fresh.length > 0 || skipped > 0n) this.#init.onPublications(fresh, Number(skipped));
  }

  #isNew({ epoch, seq }: Publication): boolean {
    if (seq <= (this.#heads.get(epoch) ?? 0n)) return false;
    this.#heads.set(epoch, seq);
    return true;
  }

  #onEnd(reason: string): void {
    this.#stream = undefined;
    if (!this.#isWaiting) this.#init.onWaiting(`${this.#nodeId}: ${reason}`);
    this.#isWaiting = true;
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    this.#retry = this.#init.clock.setTimeout(() => this.#open(), RETRY_MS, { unref: true });
  }
}
