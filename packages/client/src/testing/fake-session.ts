import { readTimes } from "../json-web-token.ts";
import type { FakeConnection, FakeFrame } from "./fake-connection.ts";
import type { FakePublication } from "./fake-publication.ts";

type Position = Readonly<Record<string, number>>;

/** What a session needs of its server. */
export interface FakeHost {
  readonly epoch: string;
  /** The seq of the last push. */
  readonly head: number;
  /** Pushes that are kept, oldest first; all after `tail`. */
  readonly log: readonly FakePublication[];
  readonly tail: number;
  nowMs(): number;
  /** The code of the error with which the room is refused, if it is. */
  refusal(room: string): string | undefined;
  takesToken(token: string): boolean;
}

/** The server's part of the protocol on one connection. */
export class FakeSession {
  readonly userId: string;
  readonly rooms = new Set<string>();
  readonly #host: FakeHost;
  readonly #connection: FakeConnection;
  /** Whether *self* waits for its `resume`. */
  #isHeld: boolean;

  constructor(host: FakeHost, connection: FakeConnection, sessionId: string) {
    this.#host = host;
    this.#connection = connection;
    const { searchParams } = connection.url;
    this.userId = searchParams.get("user_id") ?? subjectOf(connection.token);
    this.#isHeld = searchParams.has("resume");
    this.send({
      type: "welcome",
      session_id: sessionId,
      user_id: this.userId,
      node_id: "fake-node",
      position: this.#position,
      heartbeat_ms: 25_000,
    });
  }

  send(frame: object): void {
    this.#connection.send(frame);
  }

  close(code: number, reason?: string): void {
    this.#connection.close(code, reason);
  }

  /** Sends what was pushed, if it is for this session. */
  deliver(publication: FakePublication): void {
    if (this.#isFor(publication)) this.send(publication.frame);
  }

  /** The biz-server puts the user into the room. */
  joinByServer(room: string): void {
    if (this.rooms.has(room)) return;
    this.rooms.add(room);
    this.send({ type: "joined", room, position: this.#position });
  }

  /** The biz-server takes the user out of the room. */
  leaveByServer(room: string): void {
    if (this.rooms.delete(room)) this.send({ type: "left", room });
  }

  sayPosition(): void {
    this.send({ type: "position", position: this.#position });
  }

  gap(room: string | undefined): void {
    const position = this.#position;
    if (room === undefined) this.send({ type: "gap", scope: "all", position });
    else if (this.rooms.has(room)) this.send({ type: "gap", scope: "room", room, position });
  }

  receive(frame: FakeFrame): void {
    const { type, id } = frame;
    const room = String(frame.room);
    switch (type) {
      case "join":
        this.#join(frame, room);
        break;
      case "leave":
        this.rooms.delete(room);
        this.send({ type: "left", id, room });
        break;
      case "resume":
        this.#isHeld = false;
        this.#answer({ type: "resumed", id }, frame.position as Position, undefined);
        break;
      case "token":
        this.#takeToken(String(frame.token));
        break;
      case "ping":
        this.send({ type: "pong" });
        break;
    }
  }

  get #position(): Position {
    return { [this.#host.epoch]: this.#host.head };
  }

  #isFor({ to }: FakePublication): boolean {
    if (to.target === "room") return this.rooms.has(to.room);
    return !this.#isHeld && (to.target === "all" || to.userId === this.userId);
  }

  #join({ id, position }: FakeFrame, room: string): void {
    const code = this.#host.refusal(room);
    // Who is in a room may stay, as where the biz-server has put the user into it.
    if (code !== undefined && !this.rooms.has(room)) {
      this.send({ type: "error", id, code, message: `${this.userId} may not join ${room}` });
      return;
    }
    this.rooms.add(room);
    const answer = { type: "joined", id, room };
    if (position === undefined) this.send({ ...answer, position: this.#position });
    else this.#answer(answer, position as Position, room);
  }

  /** @param room undefined is *self* */
  #answer(answer: object, position: Position, room: string | undefined): void {
    const { epoch, tail, log } = this.#host;
    const from = position[epoch] ?? 0;
    if (from < tail) {
      this.send({ ...answer, position: this.#position, recovered: false });
      return;
    }
    this.send({ ...answer, position, recovered: true });
    for (const publication of log) {
      const { to, seq } = publication;
      const isOfIt = (to.target === "room" ? to.room : undefined) === room;
      if (isOfIt && seq > from && this.#isFor(publication)) this.send(publication.frame);
    }
  }

  #takeToken(token: string): void {
    if (!this.#host.takesToken(token)) {
      this.send({ type: "error", code: "TOKEN_INVALID", message: "the token was refused" });
      return;
    }
    const { expiresAt = this.#host.nowMs() + 3_600_000 } = readTimes(token);
    this.send({ type: "token_accepted", expires_at: expiresAt });
  }
}

/** The claim `sub` of a token, which is not verified. */
function subjectOf(token: string | undefined): string {
  try {
    const [, payload = ""] = (token ?? "").split(".");
    const { sub } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return String(sub);
  } catch {
    return "anonymous";
  }
}
