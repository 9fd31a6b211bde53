import type { Frame, ScriptedConnection } from "./scripted-server.ts";

/** A room, or *self*. */
export type Target = "self" | "one" | "two";

export type Seqs = Record<string, number>;

/** One push as one manager accepted it; a retry through another manager is another of the same key. */
export interface Publication {
  readonly epoch: string;
  readonly seq: number;
  readonly target: Target;
  readonly content: string;
  /** Whoever will not retry a push need not give it one. */
  readonly key?: string;
}

/** What a biz-server pushes, however often. */
export type Push = Pick<Publication, "target" | "content" | "key">;

/** What a push-manager has accepted, in order. */
export class ManagerModel {
  readonly epoch: string;
  readonly log: Publication[] = [];

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  accept(push: Push): void {
    this.log.push({ ...push, epoch: this.epoch, seq: this.log.length + 1 });
  }
}

/** A connection as the node sees it; both directions take their time. */
export class SessionModel {
  readonly connection: ScriptedConnection;
  readonly node: NodeModel;
  readonly toClient: Frame[] = [];
  readonly toServer: Frame[] = [];
  /** What is delivered live. *self* is not while it is held. */
  readonly live = new Set<Target>();

  constructor(connection: ScriptedConnection, node: NodeModel) {
    this.connection = connection;
    this.node = node;
    connection.onFrame = (frame) => this.toServer.push(frame);
    const position = { ...node.heads };
    this.toClient.push({
      type: "welcome",
      session_id: "s",
      user_id: "anna",
      node_id: "n",
      position,
      heartbeat_ms: 25_000,
    });
    if (!connection.url.searchParams.has("resume")) this.live.add("self");
  }

  /** The node reads the next frame that the client has sent. */
  serveNext(): void {
    const frame = this.toServer.shift();
    if (frame === undefined) return;
    const { type, id, room } = frame;
    if (type === "ping") {
      this.toClient.push({ type: "pong" });
      return;
    }
    const target = type === "join" ? (room as Target) : "self";
    const answer = type === "join" ? { type: "joined", id, room } : { type: "resumed", id };
    this.live.add(target);
    const position = frame.position as Seqs | undefined;
    if (position === undefined) {
      this.toClient.push({ ...answer, position: { ...this.node.heads } });
    } else if (this.node.canRecover(position)) {
      this.toClient.push({ ...answer, position, recovered: true });
      for (const publication of this.node.log) {
        const isAfter = publication.seq > (position[publication.epoch] ?? 0);
        if (publication.target === target && isAfter) this.write(publication);
      }
    } else {
      const highest = raised(position, this.node.heads);
      this.toClient.push({ ...answer, position: highest, recovered: false });
    }
  }

  write({ epoch, seq, target, content, key }: Publication): void {
    this.toClient.push({
      type: "message",
      id: `${epoch}-${seq}`,
      ...(target === "self" ? { target: "user" } : { target: "room", room: target }),
      content_type: "text/plain",
      content,
      at: 0,
      ...(key === undefined ? {} : { key }),
    });
  }
}

/** A connect-node that obeys the server's part of the protocol. */
export class NodeModel {
  log: Publication[] = [];
  heads: Seqs = {};
  /** At or below it, of each epoch, the node may lack something. */
  tails: Seqs = {};
  sessions: SessionModel[] = [];

  /** The link brings what comes next. */
  receive({ epoch, log }: ManagerModel, count: number): void {
    const head = this.heads[epoch] ?? 0;
    for (const publication of log.slice(head, head + count)) {
      this.heads[epoch] = publication.seq;
      const { key } = publication;
      if (key !== undefined && this.log.some((one) => one.key === key)) continue;
      this.log.push(publication);
      for (const session of this.sessions) {
        if (session.live.has(publication.target)) session.write(publication);
      }
    }
  }

  /** The link lost what comes next, for ever. */
  lose({ epoch, log }: ManagerModel, count: number): void {
    const head = this.heads[epoch] ?? 0;
    if (head === log.length) return;
    this.heads[epoch] = Math.min(log.length, head + count);
    this.tails[epoch] = this.heads[epoch];
    const position = { ...this.heads };
    for (const { toClient } of this.sessions)
      toClient.push({ type: "gap", scope: "all", position });
  }

  /** The log's bounds cut everything off. */
  evict(): void {
    this.log = [];
    this.tails = { ...this.heads };
  }

  sayPosition(): void {
    const position = { ...this.heads };
    for (const { live, toClient } of this.sessions) {
      if (live.has("self")) toClient.push({ type: "position", position });
    }
  }

  canRecover(position: Seqs): boolean {
    return Object.entries(this.tails).every(([epoch, tail]) => (position[epoch] ?? 0) >= tail);
  }

  /** Killed, and started anew from what a peer has. */
  restartFrom(peer: NodeModel): void {
    for (const { connection } of this.sessions.splice(0)) connection.drop();
    this.log = [...peer.log];
    this.heads = { ...peer.heads };
    this.tails = { ...peer.tails };
  }
}

function raised(first: Seqs, second: Seqs): Seqs {
  const highest = { ...first };
  for (const [epoch, seq] of Object.entries(second)) {
    highest[epoch] = Math.max(seq, highest[epoch] ?? 0);
  }
  return highest;
}
