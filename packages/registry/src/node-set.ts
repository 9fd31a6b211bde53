import { decodeNodeRecord, type NodeRecord, sameNodeRecord } from "./node-record.ts";

/** How a set differs from what it was. */
export interface NodeSetDifference {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/** The nodes whose keys are in the registry now, read from keys and values. */
export class NodeSet {
  readonly #onInvalid: (key: string, problem: string) => void;
  #nodes = new Map<string, NodeRecord>();
  /** Keys whose value was skipped, with that value; no more than there are keys. */
  #invalid = new Map<string, string>();

  /** `onInvalid` is called once for each key and value that is skipped. */
  constructor(onInvalid: (key: string, problem: string) => void) {
    this.#onInvalid = onInvalid;
  }

  /** A copy, by node id. */
  snapshot(): ReadonlyMap<string, NodeRecord> {
    return new Map([...this.#nodes.values()].map((node) => [node.nodeId, node]));
  }

  /** From now on there are these keys and no others. */
  replace(entries: readonly { readonly key: string; readonly value: string }[]): NodeSetDifference {
    const before = this.#nodes;
    const invalidBefore = this.#invalid;
    this.#nodes = new Map();
    this.#invalid = new Map();
    for (const { key, value } of entries) {
      if (invalidBefore.get(key) === value) this.#invalid.set(key, value);
      this.put(key, value);
    }
    let added = 0;
    let changed = 0;
    for (const [key, node] of this.#nodes) {
      const known = before.get(key);
      if (known === undefined) added += 1;
      else if (!sameNodeRecord(known, node)) changed += 1;
    }
    const removed = [...before.keys()].filter((key) => !this.#nodes.has(key)).length;
    return { added, changed, removed };
  }

  /** Whether the set is another now. A key whose value is skipped is not in the set. */
  put(key: string, value: string): boolean {
    const { record, problem } = decodeNodeRecord(key, value);
    if (record === undefined) {
      if (this.#invalid.get(key) !== value) this.#onInvalid(key, problem);
      this.#invalid.set(key, value);
      return this.#nodes.delete(key);
    }
    this.#invalid.delete(key);
    const known = this.#nodes.get(key);
    this.#nodes.set(key, record);
    return known === undefined || !sameNodeRecord(known, record);
  }

  /** Whether the set is another now. */
  delete(key: string): boolean {
    this.#invalid.delete(key);
    return this.#nodes.delete(key);
  }
}
