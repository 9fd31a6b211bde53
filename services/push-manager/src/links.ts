import type { NodeRecord } from "@pushcast/registry";
import type { Logger } from "@pushcast/runtime";
import { Link, type LinkContext, type LinkState } from "./link.ts";
import type { Outcome } from "./node-response.ts";

/** What the links tell, all taken together. */
export interface LinksEvents {
  /** Outcomes that their link has not told before. */
  outcomes(outcomes: readonly Outcome[]): void;
  /** A node has acknowledged more, or a link has come or gone. */
  progressed(): void;
}

/** A node that is known, by the registry or by a healthy link to it. */
export interface KnownNode {
  readonly link: Link;
  /** What the registry says; the last of it if `isRegistered` is false. */
  readonly record: NodeRecord;
  readonly isRegistered: boolean;
}

interface Node extends KnownNode {
  record: NodeRecord;
  isRegistered: boolean;
}

export type LinksOptions = Omit<LinkContext, "events"> & {
  readonly events: LinksEvents;
  readonly logger: Logger;
};

const STOPPED = "manager has stopped";

/** So many attempts in a row are no passing trouble, and are told; they take some seconds. */
const TELLING_ATTEMPTS = 5;
/** Told again after each so many, which take at least a minute. */
const ATTEMPTS_BETWEEN_TELLING = 60;

/**
 * The links to all nodes. A node leaves when its key is gone and its link is down or closing: a
 * healthy link is kept without a key, so that an outage of the registry stops no push.
 */
export class Links {
  readonly #context: LinkContext;
  readonly #events: LinksEvents;
  readonly #logger: Logger;
  /** By the registry's id, which for a static registry is an address. */
  readonly #nodes = new Map<string, Node>();
  /** The same links, for the paths that walk them for each push. */
  #list: readonly Link[] = [];
  /** Nodes that said closing and went while their key was still there, until it changes. */
  readonly #departed = new Map<string, NodeRecord>();
  #isStopping = false;

  constructor({ events, logger, ...shared }: LinksOptions) {
    this.#events = events;
    this.#logger = logger;
    this.#context = {
      ...shared,
      events: {
        outcomes: (outcomes) => events.outcomes(outcomes),
        progressed: () => events.progressed(),
        stateChanged: (link, before, reason) => this.#onStateChanged(link, before, reason),
      },
    };
  }

  /** Every link, in any state. */
  get all(): readonly Link[] {
    return this.#list;
  }

  get nodes(): Iterable<KnownNode> {
    return this.#nodes.values();
  }

  /** Makes the set what the registry says, but for healthy links whose key is gone. */
  follow(records: ReadonlyMap<string, NodeRecord>): void {
    for (const [id, record] of records) {
      const departed = this.#departed.get(id);
      if (departed !== undefined && isSameLife(departed, record)) continue;
      this.#departed.delete(id);
      const node = this.#nodes.get(id);
      if (node === undefined) {
        this.#add(id, record);
      } else if (node.record.grpcAddress !== record.grpcAddress) {
        this.#remove(id, node, "address has changed");
        this.#add(id, record);
      } else {
        node.record = record;
        node.isRegistered = true;
      }
    }
    for (const id of this.#departed.keys()) if (!records.has(id)) this.#departed.delete(id);
    for (const [id, node] of this.#nodes) {
      if (records.has(id)) continue;
      node.isRegistered = false;
      if (node.link.state !== "live") this.#remove(id, node, "key is gone");
    }
  }

  /** Writes what was appended in this turn to every link that takes it. */
  pump(): void {
    for (const link of this.#list) link.pump();
  }

  /** After a turn with ephemeral publications: those who are behind do not get them. */
  skipEphemeral(): void {
    for (const link of this.#list) link.skipEphemeral();
  }

  /** Called several times a second. */
  tick(nowMs: number): void {
    for (const link of this.#list) link.tick(nowMs);
  }

  /** Every live link gets what is left and the final message. Resolves when all have acknowledged. */
  async finish(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#list.map((link) => link.finish()));
  }

  close(): void {
    this.#isStopping = true;
    for (const [id, node] of this.#nodes) this.#remove(id, node, STOPPED);
  }

  #add(id: string, record: NodeRecord): void {
    const link = new Link(record.nodeId, record.grpcAddress, idIsKnown(record), this.#context);
    this.#nodes.set(id, { link, record, isRegistered: true });
    this.#renew();
    link.open();
  }

  #remove(id: string, node: Node, reason: string): void {
    this.#nodes.delete(id);
    this.#renew();
    node.link.close(reason);
    const message = this.#isStopping ? "node let go" : "node left";
    this.#logger.info({ nodeId: node.link.nodeId, reason }, message);
    this.#events.progressed();
  }

  #renew(): void {
    this.#list = [...this.#nodes.values()].map((node) => node.link);
  }

  #onStateChanged(link: Link, before: LinkState, reason: string): void {
    this.#log(link, before, reason);
    for (const [id, node] of this.#nodes) {
      if (node.link !== link) continue;
      if (this.#isStopping) {
        // Or it would be opened anew while others still end.
        if (link.state === "down") this.#remove(id, node, STOPPED);
      } else if (link.state === "down" && before === "closing" && idIsKnown(node.record)) {
        if (node.isRegistered) this.#departed.set(id, node.record);
        this.#remove(id, node, "node has closed");
      } else if (!node.isRegistered && link.state !== "live") {
        this.#remove(id, node, "key is gone");
      }
      break;
    }
    this.#events.progressed();
  }

  #log(link: Link, before: LinkState, reason: string): void {
    const { nodeId, nodeVersion, grpcAddress } = link;
    const fields = { nodeId, nodeVersion, grpcAddress, reason };
    const message = `link is ${link.state}`;
    if (link.state === "live" || link.state === "closing") this.#logger.info(fields, message);
    else if (before === "live") this.#logger.warn(fields, message);
    else if (link.state === "down" && isToBeTold(link.failedAttempts)) {
      const { failedAttempts } = link;
      this.#logger.warn({ ...fields, failedAttempts }, "node cannot be reached");
    } else this.#logger.debug(fields, message);
  }
}

function isToBeTold(failedAttempts: number): boolean {
  return failedAttempts % ATTEMPTS_BETWEEN_TELLING === TELLING_ATTEMPTS;
}

/**
 * A static registry knows no ids, and gives the address in their place. It does not see nodes come
 * and go either, so one that has closed is waited for.
 */
function idIsKnown(record: NodeRecord): boolean {
  return record.nodeId !== record.grpcAddress;
}

/** Whether both records are of one process. */
function isSameLife(a: NodeRecord, b: NodeRecord): boolean {
  return a.grpcAddress === b.grpcAddress && a.startedAt === b.startedAt;
}
