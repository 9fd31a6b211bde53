import type { NodeRecord, Registry, Watch } from "@pushcast/registry";
import type { ConnectToPeer, PeerConnection } from "./peer-connection.ts";

/** Another connect-node whose log can be read. */
export interface Peer {
  readonly nodeId: string;
  readonly connection: PeerConnection;
}

/** A node that starts has nothing yet. One that drains has everything until it ends. */
const READABLE: ReadonlySet<string> = new Set(["ready", "draining"]);

/** The other connect-nodes, as the registry knows them, and the connections to them. */
export class Peers {
  readonly #self: { readonly nodeId: string; readonly grpcAddress: string };
  readonly #connect: ConnectToPeer;
  readonly #watch: Watch;
  readonly #connections = new Map<string, PeerConnection>();
  #nodes: readonly NodeRecord[] = [];

  constructor(init: {
    /** A static list names this node only by its address. */
    self: { readonly nodeId: string; readonly grpcAddress: string };
    registry: Registry;
    connect: ConnectToPeer;
  }) {
    this.#self = init.self;
    this.#connect = init.connect;
    this.#watch = init.registry.watch((nodes) => this.#changed(nodes));
  }

  /** Resolves when the registry has said for the first time who is there. */
  get known(): Promise<void> {
    return this.#watch.synced;
  }

  /** Those whose logs can be read, in random order; those that are ready before those that drain. */
  readable(): Peer[] {
    const shuffled = this.#nodes
      .map((node) => ({ node, at: Math.random() + (node.state === "ready" ? 0 : 1) }))
      .sort((a, b) => a.at - b.at);
    return shuffled.map(({ node: { nodeId, grpcAddress } }) => ({
      nodeId,
      connection: this.#connectionTo(grpcAddress),
    }));
  }

  /** Whether a peer has not left, nor been given up, since it was told of. */
  has({ connection }: Peer): boolean {
    return [...this.#connections.values()].includes(connection);
  }

  /** Gives up a connection that failed; the next read has a new one. */
  drop(peer: Peer): void {
    for (const [address, connection] of this.#connections) {
      if (connection === peer.connection) this.#connections.delete(address);
    }
    peer.connection.close();
  }

  /** Nobody is there from then on. */
  close(): void {
    this.#watch.close();
    this.#nodes = [];
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #changed(nodes: ReadonlyMap<string, NodeRecord>): void {
    const { nodeId, grpcAddress } = this.#self;
    this.#nodes = [...nodes.values()].filter(
      (node) =>
        node.nodeId !== nodeId && node.grpcAddress !== grpcAddress && READABLE.has(node.state),
    );
    const addresses = new Set(this.#nodes.map(({ grpcAddress }) => grpcAddress));
    for (const [address, connection] of this.#connections) {
      if (addresses.has(address)) continue;
      this.#connections.delete(address);
      connection.close();
    }
  }

  #connectionTo(grpcAddress: string): PeerConnection {
    let connection = this.#connections.get(grpcAddress);
    if (connection === undefined) {
      connection = this.#connect(grpcAddress);
      this.#connections.set(grpcAddress, connection);
    }
    return connection;
  }
}
