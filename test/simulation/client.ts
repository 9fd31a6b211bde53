import {
  connect,
  type Client as PushcastClient,
  type Room,
  type Warning,
} from "../../packages/client/src/index.ts";
import type { WebSocketConstructor } from "../../packages/client/src/web-socket.ts";
import { ConnectionCheck, FeedHistory } from "./checker.ts";
import { ClientSideSocket, type Frame } from "./client-socket.ts";
import type { Cluster } from "./cluster.ts";
import { ProcessClock } from "./event-loop.ts";
import type { Node } from "./node.ts";

/** The real client, and the app on it that writes down what it is told. */
export class Client {
  readonly id: string;
  readonly user: string;
  readonly clock: ProcessClock;
  readonly client: PushcastClient;
  readonly self: FeedHistory;
  readonly rooms = new Map<string, FeedHistory>();
  readonly warnings: Warning[] = [];
  /** Every frame that came, on whichever connection. */
  readonly frames: Frame[] = [];
  /** Where its next connection goes; else where the load balancer sends it. */
  goesTo: Node | undefined;
  /** It reaches no node. */
  isAway = false;
  /** What it has sent, on whichever connection. */
  readonly sent: Frame[] = [];
  /** Nodes of its connections, the newest last. */
  readonly wentTo: Node[] = [];
  /** Called with each frame before the client has it. */
  onFrame: (frame: Frame) => void = () => {};
  readonly #cluster: Cluster;

  constructor(cluster: Cluster, id: string, user: string, goesTo?: Node) {
    this.id = id;
    this.user = user;
    this.goesTo = goesTo;
    this.#cluster = cluster;
    this.clock = new ProcessClock(cluster.loop);
    this.self = new FeedHistory(cluster, user, undefined);
    const open = (address: string) => this.#open(new URL(address));
    this.client = connect({
      url: "ws://cluster/ws",
      userId: user,
      clock: this.clock,
      random: cluster.loop.random,
      minDelayMs: cluster.settings.clientDelayMs,
      maxDelayMs: 8 * cluster.settings.clientDelayMs,
      onGap: ({ room }) => {
        const history = room === undefined ? this.self : this.rooms.get(room);
        history?.loadsStateAnew();
      },
      onWarning: (warning) => this.warnings.push(warning),
      WebSocket: class {
        constructor(address: string) {
          // biome-ignore lint/correctness/noConstructorReturn: what `new WebSocket` gives is the socket
          return open(address);
        }
      } as unknown as WebSocketConstructor,
    });
    this.client.self.on("message", (message) => this.self.message(message));
    this.client.on("room", (room) => this.#listen(room).loadsStateAnew());
  }

  join(room: string): void {
    if (!this.rooms.has(room)) this.#listen(this.client.room(room));
  }

  leave(name: string): void {
    if (this.rooms.has(name)) this.client.room(name).leave();
  }

  /** Its network fails. */
  cut(): void {
    for (const { address } of this.#cluster.nodes) this.#cluster.network.cut(this.id, address);
  }

  /** It does not read, or reads again. */
  stall(stalled = true): void {
    for (const { address } of this.#cluster.nodes) {
      this.#cluster.network.stall(address, this.id, stalled);
    }
  }

  checkComplete(): void {
    this.self.checkComplete();
    for (const room of this.rooms.values()) room.checkComplete();
  }

  #listen(room: Room): FeedHistory {
    const history = new FeedHistory(this.#cluster, this.user, room.name);
    this.rooms.set(room.name, history);
    room.on("message", (message) => history.message(message));
    room.on("state", ({ state }) => {
      if (state === "joined") history.loadsStateAnew();
      else if (state !== "joining") this.rooms.delete(room.name);
    });
    return history;
  }

  #open(url: URL): ClientSideSocket {
    const node = this.isAway ? undefined : (this.goesTo ?? this.#cluster.nodeForClient());
    if (node !== undefined) this.wentTo.push(node);
    const check = new ConnectionCheck(this.#cluster, this.user, url.searchParams.has("resume"));
    let isFirst = this.frames.length === 0;
    return new ClientSideSocket(this.#cluster, {
      from: this.id,
      address: node?.address,
      url,
      tap: {
        sent: (frame) => {
          this.sent.push(frame);
          check.sent(frame);
        },
        received: (frame) => {
          if (isFirst) this.self.loadsStateAnew();
          isFirst = false;
          this.frames.push(frame);
          this.onFrame(frame);
          check.received(frame);
        },
      },
    });
  }
}
