import {
  type ClientCodec,
  type ClientFrame,
  clientCodec,
  type ErrorFrame,
  type JoinedFrame,
  JSON_SUBPROTOCOL,
  type LeftFrame,
  type MessageFrame,
  type ServerFrame,
  type Subprotocol,
  type WelcomeFrame,
} from "@pushcast/wire";
import { WebSocket } from "ws";
import { within } from "./until.ts";

export interface TestClientOptions {
  readonly userId: string;
  /** @default pushcast.v1.json */
  readonly subprotocol?: Subprotocol;
  /** Goes in the header `Authorization`. @default `?user_id=` says who it is */
  readonly token?: string;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

type FrameOf<Type extends ServerFrame["type"]> = Extract<ServerFrame, { type: Type }>;

const DEFAULT_TIMEOUT_MS = 15_000;

/** A client that keeps every frame that it gets, in order, and follows no rule but the protocol's. */
export class TestClient {
  readonly userId: string;
  readonly frames: ServerFrame[] = [];
  readonly messages: MessageFrame[] = [];
  /** `performance.now()` at each message. */
  readonly messageAtMs: number[] = [];
  /** Frames that were none, and errors of the connection. There should be none. */
  readonly faults: string[] = [];
  readonly closed: Promise<Closed>;
  readonly #ws: WebSocket;
  readonly #codec: ClientCodec;
  readonly #listeners = new Set<() => void>();
  #nextId = 1;

  private constructor(ws: WebSocket, codec: ClientCodec, userId: string) {
    this.userId = userId;
    this.#ws = ws;
    this.#codec = codec;
    ws.on("message", (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary));
    ws.on("error", (error) => this.faults.push(`connection: ${error.message}`));
    this.closed = new Promise((resolve) => {
      ws.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** Resolves with the server's welcome. */
  static async open(url: string, options: TestClientOptions): Promise<TestClient> {
    const { userId, subprotocol = JSON_SUBPROTOCOL, token } = options;
    const query = token === undefined ? `?user_id=${encodeURIComponent(userId)}` : "";
    const ws = new WebSocket(`${url}${query}`, [subprotocol], {
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      perMessageDeflate: false,
      handshakeTimeout: DEFAULT_TIMEOUT_MS,
    });
    const client = new TestClient(ws, clientCodec(subprotocol), userId);
    const refused = client.closed.then(() => {
      throw new Error(`no session at ${url}: ${client.faults.join("; ")}`);
    });
    try {
      await Promise.race([client.frame("welcome"), refused]);
    } catch (error) {
      ws.terminate();
      throw error;
    }
    return client;
  }

  get welcome(): WelcomeFrame {
    return this.frames[0] as WelcomeFrame;
  }

  /** The contents of all messages, as text, in the order in which they came. */
  get texts(): string[] {
    return this.messages.map(textOf);
  }

  send(frame: ClientFrame): void {
    this.#ws.send(this.#codec.encode(frame), { binary: this.#codec.binary });
  }

  /** Sends what may be no frame. */
  sendRaw(data: string | Buffer, binary: boolean): void {
    this.#ws.send(data, { binary });
  }

  async join(room: string, ticket?: string): Promise<JoinedFrame> {
    const id = this.#id();
    this.send({ type: "join", id, room, ...(ticket === undefined ? {} : { ticket }) });
    return await this.#answer<JoinedFrame>("joined", id);
  }

  /** Joins, or goes on, from a position. @param awayMs since the client was last told something */
  async joinFrom(
    room: string,
    position: ReadonlyMap<string, number>,
    awayMs = 0,
  ): Promise<JoinedFrame> {
    const id = this.#id();
    this.send({ type: "join", id, room, position, awayMs });
    return await this.#answer<JoinedFrame>("joined", id);
  }

  async joinAll(rooms: readonly string[]): Promise<void> {
    await Promise.all(rooms.map((room) => this.join(room)));
  }

  async leave(room: string): Promise<LeftFrame> {
    const id = this.#id();
    this.send({ type: "leave", id, room });
    return await this.#answer<LeftFrame>("left", id);
  }

  /** The first frame of a type, and perhaps more: one that has come already, or will. */
  async frame<Type extends ServerFrame["type"]>(
    type: Type,
    matches: (frame: FrameOf<Type>) => boolean = () => true,
    timeoutMs = DEFAULT_TIMEOUT_MS,
  ): Promise<FrameOf<Type>> {
    const find = () =>
      this.frames.find(
        (frame): frame is FrameOf<Type> => frame.type === type && matches(frame as FrameOf<Type>),
      );
    await this.until(`${type} frame`, () => find() !== undefined, timeoutMs);
    return find() as FrameOf<Type>;
  }

  /** The message with this content. */
  async message(text: string, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<MessageFrame> {
    return await this.frame("message", (frame) => textOf(frame) === text, timeoutMs);
  }

  /** Waits until it has had that many messages. */
  async count(messages: number, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<void> {
    await this.until(`${messages} messages`, () => this.messages.length >= messages, timeoutMs);
  }

  /** Looks at the condition with each frame that comes. */
  async until(
    what: string,
    condition: () => boolean,
    timeoutMs = DEFAULT_TIMEOUT_MS,
  ): Promise<void> {
    if (condition()) return;
    let listener = () => {};
    const held = new Promise<void>((resolve) => {
      listener = () => {
        if (condition()) resolve();
      };
      this.#listeners.add(listener);
    });
    try {
      await within(timeoutMs, `${what} for ${this.userId}`, held);
    } catch (cause) {
      const had = `${this.messages.length} messages, ${this.frames.length} frames`;
      throw new Error(`${(cause as Error).message} (it had ${had})`, { cause });
    } finally {
      this.#listeners.delete(listener);
    }
  }

  /** Stops reading from its socket. */
  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  /** Says goodbye, and waits for the answer. */
  async close(): Promise<Closed> {
    this.#ws.close(1000);
    return await this.closed;
  }

  /** Ends the connection without a word. */
  terminate(): void {
    this.#ws.terminate();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const decoded = this.#codec.decode(data, isBinary);
    if (!decoded.ok) {
      this.faults.push(`${decoded.problem}: ${data.toString("latin1").slice(0, 200)}`);
      return;
    }
    const { frame } = decoded;
    this.frames.push(frame);
    if (frame.type === "message") {
      this.messages.push(frame);
      this.messageAtMs.push(performance.now());
    }
    for (const listener of this.#listeners) listener();
  }

  async #answer<Frame extends JoinedFrame | LeftFrame>(
    type: Frame["type"],
    id: number,
  ): Promise<Frame> {
    const isAnswer = (frame: ServerFrame): frame is Frame | ErrorFrame =>
      (frame.type === type || frame.type === "error") && frame.id === id;
    await this.until(`${type} ${id}`, () => this.frames.some(isAnswer));
    const answer = this.frames.find(isAnswer) as Frame | ErrorFrame;
    if (answer.type === "error") throw new Error(`${answer.code}: ${answer.message}`);
    return answer as Frame;
  }

  #id(): number {
    const id = this.#nextId;
    this.#nextId += 1;
    return id;
  }
}

export function textOf({ content }: MessageFrame): string {
  return Buffer.from(content).toString();
}
