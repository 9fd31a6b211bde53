import { type ConnectOptions, connect, type Message, type Warning } from "../src/index.ts";
import { FakeClock } from "../src/testing/index.ts";
import { type Frame, type ScriptedConnection, ScriptedServer, settle } from "./scripted-server.ts";

/** Epochs of three push-managers. */
export const A = "aaaaaaaaaaaaaaaa";
export const B = "bbbbbbbbbbbbbbbb";
export const C = "cccccccccccccccc";

export const HEARTBEAT_MS = 25_000;

/** A client with the server that it talks to, and what it told its app. */
export class Scene {
  readonly clock = new FakeClock();
  readonly server = new ScriptedServer();
  readonly warnings: Warning[] = [];
  /** What happened, as short words: `room 12`, `gap room away`, `state open`. */
  readonly told: string[] = [];
  readonly client;

  constructor(options: Partial<ConnectOptions> = {}) {
    this.client = connect({
      url: "ws://node/ws",
      userId: "anna",
      WebSocket: this.server.WebSocket,
      clock: this.clock,
      random: () => 0,
      onGap: ({ room = "self", reason }) => this.told.push(`gap ${room} ${reason}`),
      onWarning: (warning) => this.warnings.push(warning),
      ...options,
    });
    this.client.self.on("message", (message) => this.told.push(`self ${nameOf(message)}`));
  }

  /** Joins a room and listens to it. */
  room(name = "room") {
    const room = this.client.room(name);
    room.on("message", (message) => this.told.push(`${name} ${nameOf(message)}`));
    return room;
  }

  /** The connection that the client has opened last. */
  get connection(): ScriptedConnection {
    const connection = this.server.connections.at(-1);
    if (connection === undefined) throw new Error("the client has not connected");
    return connection;
  }

  /** The next connection is there, and is welcomed. */
  async welcome(position: object = {}): Promise<ScriptedConnection> {
    await settle();
    const { connection } = this;
    connection.send({
      type: "welcome",
      session_id: `session-${this.server.connections.length}`,
      user_id: "anna",
      node_id: "node-1",
      position,
      heartbeat_ms: HEARTBEAT_MS,
    });
    return connection;
  }

  /** Lets time pass until the client has tried again. */
  async untilRetried(): Promise<void> {
    const before = this.server.connections.length;
    for (let waits = 0; this.server.connections.length === before; waits += 1) {
      if (waits > 100) throw new Error("the client does not try again");
      this.clock.advance(500);
      await settle();
    }
  }

  /** Everything that was told since the last call. */
  news(): string[] {
    return this.told.splice(0);
  }
}

function nameOf(message: Message): string {
  return `${message.id.slice(0, 1).toUpperCase()}-${message.id.slice(17)}`;
}

/** A message to a room, or to *self* if none is named. */
export function message(epoch: string, seq: number, more: object = { room: "room" }): Frame {
  return {
    type: "message",
    id: `${epoch}-${seq}`,
    target: "room" in more ? "room" : "user",
    content_type: "text/plain",
    content: `${seq}`,
    at: 1_790_000_000_000,
    ...more,
  };
}

/** Answers the join of a room that the client has sent last. */
export function answerJoin(
  connection: ScriptedConnection,
  { position, recovered }: { position: object; recovered?: boolean },
  room = "room",
): void {
  const { id } = connection.last("join", room);
  connection.send({
    type: "joined",
    id,
    room,
    position,
    ...(recovered === undefined ? {} : { recovered }),
  });
}

/** Answers the `resume` of *self*. */
export function answerResume(
  connection: ScriptedConnection,
  { position, recovered }: { position: object; recovered: boolean },
): void {
  const { id } = connection.last("resume");
  connection.send({ type: "resumed", id, position, recovered });
}
