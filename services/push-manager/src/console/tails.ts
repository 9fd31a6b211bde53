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
const MAX_UNSENT_BYTES = 1024 * 1024;

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
  #publications: TailedPublication[] = [];
  #skipped = 0;
  #timer: TimerHandle | undefined;

  constructor(viewer: EventStream, init: TailsInit) {
    this.#viewer = viewer;
    this.#init = init;
  }

  add(publications: readonly Publication[], skipped: number): void {
    const { maxPerSecond, maxContentBytes, onSkipped, clock } = this.#init;
    const isBehind = this.#viewer.unsentBytes > MAX_UNSENT_BYTES;
    const atOnce = Math.max(1, Math.floor((maxPerSecond * FLUSH_MS) / 1000));
    const room = isBehind ? 0 : Math.max(0, atOnce - this.#publications.length);
    for (const publication of publications.slice(0, room)) {
      this.#publications.push(tailedPublication(publication, maxContentBytes));
    }
    const leftOut = skipped + Math.max(0, publications.length - room);
    if (leftOut > 0) onSkipped(leftOut);
    this.#skipped += leftOut;
    this.#timer ??= clock.setTimeout(() => this.#flush(), FLUSH_MS, { unref: true });
  }

  close(): void {
    this.#init.clock.clearTimeout(this.#timer);
  }

  #flush(): void {
    this.#timer = undefined;
    const message: TailMessage = { publications: this.#publications, skipped: this.#skipped };
    this.#publications = [];
    this.#skipped = 0;
    this.#viewer.send("publications", message);
  }
}
