import { TailResponse } from "@pushcast/api";
import { messageField } from "@pushcast/log";
import type { NodeEntry } from "./node-log.ts";

export interface RoomTailInit {
  readonly nodeId: string;
  /** What may wait for the reader, in encoded bytes. */
  readonly maxBytes: number;
  /** Sends a TailResponse; calls back when it is on its way. */
  send(message: Buffer, onSent: () => void): void;
  /** The node stops. */
  end(): void;
  /** A publication was left out. */
  onSkipped(): void;
  /** Runs a task when this turn of the event loop is over. @default setImmediate */
  readonly defer?: (task: () => void) => void;
}

const PUBLICATIONS_FIELD = 2;

/** One reader of a room. What comes while it is behind by `maxBytes` is left out, and said. */
export class RoomTail {
  readonly #init: RoomTailInit;
  readonly #defer: (task: () => void) => void;
  /** Of this turn. */
  #pending: Buffer[] = [];
  #unsentBytes = 0;
  #skipped = 0;
  #flushIsScheduled = false;

  constructor(init: RoomTailInit) {
    this.#init = init;
    this.#defer = init.defer ?? setImmediate;
    this.#send({ nodeId: init.nodeId }, []);
  }

  offer(encoded: Buffer): void {
    if (this.#unsentBytes + encoded.byteLength > this.#init.maxBytes) {
      this.#skipped += 1;
      this.#init.onSkipped();
      // Else it is said with what is under way.
      if (this.#unsentBytes === 0) this.#scheduleFlush();
      return;
    }
    const field = messageField(PUBLICATIONS_FIELD, encoded);
    this.#unsentBytes += field.byteLength;
    this.#pending.push(field);
    this.#scheduleFlush();
  }

  end(): void {
    this.#flush();
    this.#init.end();
  }

  #scheduleFlush(): void {
    if (this.#flushIsScheduled) return;
    this.#flushIsScheduled = true;
    this.#defer(() => this.#flush());
  }

  #flush(): void {
    this.#flushIsScheduled = false;
    const [skipped, publications] = [this.#skipped, this.#pending];
    if (skipped === 0 && publications.length === 0) return;
    this.#skipped = 0;
    this.#pending = [];
    this.#send({ skipped: BigInt(skipped) }, publications);
  }

  #send(head: { nodeId?: string; skipped?: bigint }, publications: readonly Buffer[]): void {
    const response = { nodeId: "", skipped: 0n, publications: [], ...head };
    const message = Buffer.concat([TailResponse.encode(response).finish(), ...publications]);
    const bytes = publications.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#init.send(message, () => {
      this.#unsentBytes -= bytes;
      if (this.#skipped > 0) this.#scheduleFlush();
    });
  }
}

/** Whoever reads along in rooms on this node. */
export class RoomTails {
  readonly #byRoom = new Map<string, Set<RoomTail>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns removes it again; may be called more than once */
  add(roomId: string, tail: RoomTail): () => void {
    const tails = this.#byRoom.get(roomId) ?? new Set();
    this.#byRoom.set(roomId, tails.add(tail));
    this.#size += 1;
    return () => {
      if (!tails.delete(tail)) return;
      this.#size -= 1;
      if (tails.size === 0 && this.#byRoom.get(roomId) === tails) this.#byRoom.delete(roomId);
    };
  }

  /** Every publication that the node takes in passes here. */
  offer({ publication: { roomId }, encoded }: NodeEntry): void {
    if (this.#size === 0) return;
    for (const tail of this.#byRoom.get(roomId) ?? []) tail.offer(encoded);
  }

  /** The node stops: the readers go on elsewhere. */
  closeAll(): void {
    for (const tails of [...this.#byRoom.values()]) for (const tail of [...tails]) tail.end();
  }
}
