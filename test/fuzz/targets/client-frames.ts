import { type Codec, clientCodec, type MessageFrame } from "@pushcast/wire";
import { identityWithoutToken } from "../../../services/connect-node/src/identity.ts";
import { parseFrames } from "../../../services/connect-node/test/fake-socket.ts";
import { CODECS, Stage } from "../../../services/connect-node/test/stage.ts";
import { type FuzzTarget, must, type OpenTarget } from "../fuzz-target.ts";
import type { RandomInput } from "../random-input.ts";
import { randomFrame } from "./random-frame.ts";

const USERS = ["ann", "bob", "cat"];
const ROOMS = ["red", "blue", "green"];
/** Nobody is this user, and no input names this room. */
const STRANGER = "stranger";
const SECRET = "secret";
const WITNESSED = "witnessed";
const SESSIONS = 6;

/** Frames of clients, for the sessions of a node without its sockets. */
export function clientFrames(subprotocol: keyof typeof CODECS, share: number): FuzzTarget {
  return {
    name: `frames-${subprotocol}`,
    share,
    batch: 1_000,
    open: async () => new SessionsUnderFire(CODECS[subprotocol]),
  };
}

class SessionsUnderFire implements OpenTarget {
  readonly #stage = new Stage({
    LOG_BYTES: 256 * 1024,
    FRAME_CACHE_BYTES: 256 * 1024,
    MAX_ROOMS_PER_SESSION: 50,
  });
  readonly #codec: Codec;
  readonly #listeners: Listener[] = [];
  readonly #witness: Listener;
  #witnessed = 0;

  constructor(codec: Codec) {
    this.#codec = codec;
    this.#witness = this.#open("witness");
    this.#send(this.#witness, { type: "join", room: WITNESSED });
    for (let n = 0; n < SESSIONS; n += 1) this.#listeners.push(this.#open(USERS[n % 3] as string));
  }

  give(input: RandomInput): void {
    if (input.chance(0.02)) this.#push(input);
    const at = input.nat(SESSIONS);
    const listener = this.#listeners[at] as Listener;
    const { data, isBinary } = randomFrame(input, this.#codec, [...ROOMS, input.text()]);
    void this.#stage.core.sessions.receive(listener.session, data, isBinary);
    if (listener.session.closed) this.#listeners[at] = this.#open(listener.session.userId);
    listener.mustBeFaultless();
  }

  async check(): Promise<void> {
    this.#witnessed += 1;
    this.#stage.push({ roomId: WITNESSED, text: WITNESSED });
    this.#stage.clock.advance(50);
    await this.#stage.settle(3);
    for (const listener of [this.#witness, ...this.#listeners]) listener.mustBeFaultless();
    const heard = this.#witness.messages;
    must(heard === this.#witnessed, `the witness had ${heard} of ${this.#witnessed} messages`);
    this.#stage.core.housekeep();
    must(this.#stage.core.hub.sessions.size === SESSIONS + 1, "a session was left behind");
  }

  async close(): Promise<void> {}

  /** To somebody; its text says to whom. */
  #push(input: RandomInput): void {
    const room = input.pick([...ROOMS, SECRET]);
    const user = input.pick([...USERS, STRANGER]);
    this.#stage.push(
      input.chance(0.5) ? { roomId: room, text: room } : { userIds: [user], text: user },
    );
  }

  #open(userId: string): Listener {
    const listener = new Listener(userId, this.#codec);
    listener.session = this.#stage.core.sessions.open({
      identity: identityWithoutToken(userId),
      codec: this.#codec,
      socket: listener,
      resumes: false,
    });
    return listener;
  }

  #send(listener: Listener, frame: { type: "join"; room: string }): void {
    const data = clientCodec(this.#codec.subprotocol).encode(frame);
    void this.#stage.core.sessions.receive(listener.session, data, this.#codec.binary);
  }
}

/** A session's socket that looks at all that is written to it. */
class Listener {
  session!: Stage["core"]["hub"]["sessions"] extends Map<string, infer Value> ? Value : never;
  readonly queuedBytes = 0;
  messages = 0;
  readonly #userId: string;
  readonly #codec: Codec;
  readonly #rooms = new Set<string>();
  #isClosed = false;
  #fault: string | undefined;

  constructor(userId: string, codec: Codec) {
    this.#userId = userId;
    this.#codec = codec;
  }

  write(bytes: Buffer): void {
    if (this.#isClosed) this.#fault ??= "something was written after the close";
    for (const frame of parseFrames(bytes, this.#codec.subprotocol)) {
      if (frame.type === "joined") this.#rooms.add(frame.room);
      else if (frame.type === "left") this.#rooms.delete(frame.room);
      else if (frame.type === "message") this.#hear(frame);
    }
  }

  setReading(): void {}

  close(): void {
    this.#isClosed = true;
  }

  mustBeFaultless(): void {
    must(this.#fault === undefined, this.#fault ?? "");
  }

  #hear({ room, content }: MessageFrame): void {
    this.messages += 1;
    const text = Buffer.from(content).toString();
    const isItsOwn =
      room === undefined ? text === this.#userId : text === room && this.#rooms.has(room);
    if (!isItsOwn) this.#fault ??= `${this.#userId} got what is for ${text}`;
  }
}
