import type { Clock, EventStream, TimerHandle } from "@pushcast/runtime";
import type { KnownNode } from "../links.ts";
import type { ManagerMessage, NodeMessage, SampleMessage } from "./messages.ts";
import { NodeCounts } from "./node-counts.ts";
import type { PushFigures } from "./push-figures.ts";

export interface SamplerInit {
  readonly manager: ManagerMessage;
  readonly figures: PushFigures;
  readonly fanOut: { readonly nodes: Iterable<KnownNode>; readonly isHeld: boolean };
  readonly clock: Clock;
}

const SAMPLE_MS = 1000;
/** A viewer that has not read that much is let go; its page connects again. */
const MAX_UNSENT_BYTES = 256 * 1024;

/** Takes a sample a second, once for all viewers, and none while there is no viewer. */
export class Sampler {
  readonly #init: SamplerInit;
  readonly #viewers = new Set<EventStream>();
  readonly #counts = new NodeCounts();
  #timer: TimerHandle | undefined;
  #sampledAtMs = 0;

  constructor(init: SamplerInit) {
    this.#init = init;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  add(viewer: EventStream): void {
    this.#viewers.add(viewer);
    viewer.onClose(() => this.#remove(viewer));
    viewer.send("manager", this.#init.manager);
    if (this.#viewers.size === 1) this.#begin();
  }

  #begin(): void {
    const { figures, clock, fanOut } = this.#init;
    figures.watch(true);
    this.#sampledAtMs = clock.monotonicMs();
    this.#timer = clock.setInterval(() => this.#sample(), SAMPLE_MS, { unref: true });
    // The first viewer sees the nodes at once.
    void this.#counts.ask(fanOut.nodes).then(() => {
      if (this.#viewers.size > 0) this.#sample();
    });
  }

  #remove(viewer: EventStream): void {
    if (!this.#viewers.delete(viewer) || this.#viewers.size > 0) return;
    this.#init.clock.clearInterval(this.#timer);
    this.#init.figures.watch(false);
  }

  #sample(): void {
    const { figures, fanOut, clock } = this.#init;
    const nowMs = clock.monotonicMs();
    const nodes = Array.from(fanOut.nodes, (node) => this.#node(node));
    const sample: SampleMessage = {
      atMs: clock.now(),
      seconds: (nowMs - this.#sampledAtMs) / 1000,
      ...figures.take(),
      maxLag: nodes.reduce((most, { lag }) => Math.max(most, lag), 0),
      held: fanOut.isHeld,
      nodes,
    };
    this.#sampledAtMs = nowMs;
    for (const viewer of this.#viewers) {
      if (viewer.unsentBytes > MAX_UNSENT_BYTES) viewer.drop();
      else viewer.send("sample", sample);
    }
    void this.#counts.ask(fanOut.nodes);
  }

  #node({ link, record, isRegistered }: KnownNode): NodeMessage {
    const counts = this.#counts.of(link.nodeId);
    return {
      nodeId: link.nodeId,
      state: isRegistered ? record.state : "unregistered",
      zone: record.zone,
      version: link.nodeVersion || record.version,
      link: link.state,
      lag: link.lag,
      ...(counts === undefined ? {} : { counts }),
    };
  }
}
