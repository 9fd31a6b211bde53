import type { Publication } from "@pushcast/api";
import type { Clock, EventStream, TimerHandle } from "@pushcast/runtime";
import type { KnownNode } from "../links.ts";
import type {
  TailedPublication,
  TailMessage,
  TailNodeMessage,
  TailWaitingMessage,
} from "./messages.ts";
import { RoomTail } from "./room-tail.ts";
import { tailedPublication } from "./tailed-publication.ts";

export interface TailsInit {
  readonly nodes: () => Iterable<KnownNode>;
  readonly clock: Clock;
  /** Publications that one viewer gets in a second at most; the others are counted. */
  readonly maxPerSecond: number;
  /** Of one publication's content. */
  readonly maxContentBytes: number;
  onSkipped(count: number): void;
}

const FLUSH_MS = 200;
/** A viewer with more than that gets no publications until it has read. */
const MAX_UNSENT_BYTES = 1024 * 1024;
/** A viewer that reads nothing for so long is let go; its page connects again. */
const BEHIND_MS = 30_000;
/** So that both sides notice when the other has vanished. */
const ALIVE_MS = 5_000;

/** The rooms that viewers read along in. */
export class Tails {
  readonly #init: TailsInit;
  #open = 0;

  constructor(init: TailsInit) {
    this.#init = init;
  }

  get open(): number {
    return this.#open;
  }

  /** Writes what comes of a room to a viewer, until that goes. */
  add(roomId: string, viewer: EventStream): void {
    const { nodes, clock } = this.#init;
    const outbox = new Outbox(viewer, this.#init);
    const tail = new RoomTail({
      roomId,
      nodes,
      clock,
      onNode: (nodeId) => viewer.send("node", { nodeId } satisfies TailNodeMessage),
      onWaiting: (reason) => viewer.send("waiting", { reason } satisfies TailWaitingMessage),
      onPublications: (publications, skipped) => outbox.add(publications, skipped),
    });
    this.#open += 1;
    viewer.onClose(() => {
      this.#open -= 1;
      tail.close();
      outbox.close();
    });
    tail.start();
  }
}

/** Gathers what comes for one viewer, a few times a second, as far as a person can read it. */
class Outbox {
  readonly #viewer: EventStream;
  readonly #init: TailsInit;
  readonly #alive: TimerHandle;
  #publications: TailedPublication[] = [];
  #skipped = 0;
  #flush: TimerHandle | undefined;
  #behindSinceMs: number | undefined;

  constructor(viewer: EventStream, init: TailsInit) {
    this.#viewer = viewer;
    this.#init = init;
    this.#alive = init.clock.setInterval(() => this.#sayAlive(), ALIVE_MS, { unref: true });
  }

  add(publications: readonly Publication[], skipped: number): void {
    const { maxPerSecond, maxContentBytes, onSkipped } = this.#init;
    const atOnce = Math.max(1, Math.floor((maxPerSecond * FLUSH_MS) / 1000));
    const room = this.#isBehind() ? 0 : Math.max(0, atOnce - this.#publications.length);
    for (const publication of publications.slice(0, room)) {
      this.#publications.push(tailedPublication(publication, maxContentBytes));
    }
    const leftOut = skipped + Math.max(0, publications.length - room);
    if (leftOut > 0) onSkipped(leftOut);
    this.#skipped += leftOut;
    this.#flushLater();
  }

  close(): void {
    const { clock } = this.#init;
    clock.clearTimeout(this.#flush);
    clock.clearInterval(this.#alive);
  }

  #sayAlive(): void {
    if (!this.#isBehind()) this.#viewer.send("alive", {});
  }

  #flushLater(): void {
    const { clock } = this.#init;
    this.#flush ??= clock.setTimeout(() => this.#flushNow(), FLUSH_MS, { unref: true });
  }

  #flushNow(): void {
    this.#flush = undefined;
    if (this.#isBehind()) {
      this.#flushLater();
      return;
    }
    const message: TailMessage = { publications: this.#publications, skipped: this.#skipped };
    this.#publications = [];
    this.#skipped = 0;
    this.#viewer.send("publications", message);
  }

  #isBehind(): boolean {
    if (this.#viewer.unsentBytes <= MAX_UNSENT_BYTES) {
      this.#behindSinceMs = undefined;
      return false;
    }
    const nowMs = this.#init.clock.monotonicMs();
    this.#behindSinceMs ??= nowMs;
    if (nowMs - this.#behindSinceMs >= BEHIND_MS) this.#viewer.drop();
    return true;
  }
}
