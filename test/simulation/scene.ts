import type { Client } from "./client.ts";
import type { Frame } from "./client-socket.ts";
import { Cluster, type ClusterSettings } from "./cluster.ts";
import type { Manager } from "./manager.ts";
import type { Node } from "./node.ts";
import type { Pushed, PushWish } from "./publisher.ts";

/** Epochs of two push-managers. */
export const A = "aaaaaaaaaaaaaaaa";
export const B = "bbbbbbbbbbbbbbbb";

/** A cluster of which a test says what happens: each message takes 1 ms, and each loop is idle. */
export class Scene {
  readonly cluster: Cluster;

  constructor(settings: Partial<ClusterSettings> = {}) {
    this.cluster = new Cluster({ settings });
  }

  /** Starts a node, and waits until it is ready. */
  async node(id: string): Promise<Node> {
    const node = this.cluster.startNode(id);
    await this.cluster.until(() => node.isReady, `${id} is ready`);
    return node;
  }

  /** A manager with a link to each node that is there. */
  async manager(epoch: string): Promise<Manager> {
    const manager = this.cluster.startManager(epoch);
    await this.pass(20);
    return manager;
  }

  /** From then on a log is old enough for whoever was away so long. */
  async ageLogs(awayMs = 2_000): Promise<void> {
    await this.pass(this.cluster.settings.lagMs + awayMs);
  }

  /** A client that is connected to a node, and in these rooms. */
  async client(user: string, node: Node, rooms: readonly string[] = []): Promise<Client> {
    const client = this.cluster.addClient(user, node);
    for (const room of rooms) client.join(room);
    await this.opened(client);
    return client;
  }

  /** The client has no connection until it is told where to go. */
  away(client: Client): void {
    client.goesTo = undefined;
    client.isAway = true;
    client.cut();
  }

  /** The client comes to this node, and everything is answered. */
  async comeTo(client: Client, node: Node): Promise<void> {
    client.isAway = false;
    client.goesTo = node;
    client.client.reconnect();
    await this.opened(client);
    await this.pass(50);
  }

  /** The client's connection breaks, and it comes to a node anew. */
  async moves(client: Client, node: Node): Promise<void> {
    this.away(client);
    await this.pass(10);
    await this.comeTo(client, node);
  }

  /** Its node asks the client to open a connection to another. */
  handOver(client: Client, from: Node, to: Node): void {
    client.goesTo = to;
    for (const session of from.core.hub.sessionsOf([client.user])) {
      from.core.sessions.sayReconnect(session, 1);
    }
  }

  /** Pushes some in one turn, and waits until they are where they can be. */
  async push(manager: Manager, wish: PushWish, count = 1): Promise<Pushed[]> {
    const pushed = Array.from({ length: count }, () => this.cluster.biz.push(manager, wish));
    await this.pass(20);
    return pushed;
  }

  /** The next frame of a type that comes to a client. */
  async frame(client: Client, type: string, limitMs?: number): Promise<Frame> {
    const from = client.frames.length;
    const find = () => client.frames.slice(from).find((frame) => frame.type === type);
    await this.cluster.until(() => find() !== undefined, `${client.id} gets ${type}`, limitMs);
    return find() as Frame;
  }

  pass(ms: number): Promise<void> {
    return this.cluster.pass(ms);
  }

  async opened(client: Client): Promise<void> {
    const isOpen = () => client.client.state.state === "open";
    await this.cluster.until(isOpen, `${client.id} is open`);
  }

  /** Everything has its time, and nothing was lost, repeated or out of order. */
  async end(): Promise<void> {
    await this.pass(5_000);
    this.cluster.checkLogs();
    this.cluster.checkComplete();
    this.cluster.end();
  }
}

/** What each `join` and `resume` of a client was answered: in order, those with a position. */
export function answers(client: Client): boolean[] {
  return client.frames.flatMap(({ recovered }) =>
    typeof recovered === "boolean" ? [recovered] : [],
  );
}

export function contents(pushed: readonly Pushed[]): string[] {
  return pushed.map(({ content }) => content);
}

/** How often each of these was written to a client, on whichever connection. */
export function timesWritten(client: Client, pushed: readonly Pushed[]): number[] {
  return pushed.map(
    ({ content }) =>
      client.frames.filter((frame) => frame.type === "message" && frame.content === content).length,
  );
}
