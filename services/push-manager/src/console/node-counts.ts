import type { KnownNode } from "../links.ts";
import type { NodeMessage } from "./messages.ts";

type Counts = NonNullable<NodeMessage["counts"]>;

/** A node that has not answered by then counts as not answering. */
const ANSWER_WITHIN_MS = 900;

/** What the nodes count, as they last said. A node that does not answer holds no other one up. */
export class NodeCounts {
  /** By node id: undefined where it did not answer. */
  readonly #counts = new Map<string, Counts | undefined>();
  readonly #asked = new Set<string>();

  /** Asks every node that is not being asked. */
  async ask(nodes: Iterable<KnownNode>): Promise<void> {
    const known = [...nodes];
    const ids = new Set(known.map(({ link }) => link.nodeId));
    for (const id of this.#counts.keys()) if (!ids.has(id)) this.#counts.delete(id);
    await Promise.all(known.map((node) => this.#askOne(node)));
  }

  of(nodeId: string): Counts | undefined {
    return this.#counts.get(nodeId);
  }

  async #askOne({ link }: KnownNode): Promise<void> {
    const { nodeId } = link;
    if (this.#asked.has(nodeId)) return;
    this.#asked.add(nodeId);
    const request = { roomId: "", userId: "" };
    // Whatever the reason, it does not answer.
    const answer = await link.inspect(request, ANSWER_WITHIN_MS).catch(() => undefined);
    this.#asked.delete(nodeId);
    const { sessions, users, rooms } = answer ?? {};
    this.#counts.set(
      nodeId,
      sessions === undefined || users === undefined || rooms === undefined
        ? undefined
        : { sessions, users, rooms },
    );
  }
}
