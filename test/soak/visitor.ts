import { type Client, connect } from "@pushcast/client";
import { Recorder } from "../chaos/recorder.ts";
import { pick } from "../support/random.ts";

const ROOMS = 2;
const MIN_DELAY_MS = 50;
const MAX_DELAY_MS = 2_000;
/** The client could not connect, which it tries again. */
const EXPECTED_WARNING = "CONNECT_FAILED";

/** A client that comes, is in some rooms, and goes, and what it was told meanwhile. */
export class Visitor {
  readonly client: Client;
  readonly recorder: Recorder;
  readonly warnings: string[] = [];
  readonly cameAtMs = Date.now();
  /** Unix time; infinite while it is there. */
  goneAtMs = Number.POSITIVE_INFINITY;
  /** The biz-server has disconnected its user. */
  readonly sentAway: Promise<void>;
  isSentAway = false;
  readonly #rooms: string[] = [];
  readonly #allRooms: readonly string[];
  readonly #random: () => number;

  constructor(init: {
    userId: string;
    rooms: readonly string[];
    url: () => string;
    random: () => number;
  }) {
    this.#allRooms = init.rooms;
    this.#random = init.random;
    this.recorder = new Recorder(init.userId, () => {});
    this.client = connect({
      url: init.url,
      userId: init.userId,
      WebSocket: this.recorder.WebSocket,
      minDelayMs: MIN_DELAY_MS,
      maxDelayMs: MAX_DELAY_MS,
      random: init.random,
      // The recorder is told by each room that the visitor is in.
      onGap: () => {},
      onWarning: ({ code, message }) => {
        if (code === EXPECTED_WARNING) return;
        this.warnings.push(`${init.userId}: ${code}: ${message}`);
      },
    });
    this.sentAway = new Promise((resolve) => {
      this.client.on("state", (state) => {
        if (state.state !== "closed" || state.retry) return;
        this.isSentAway = true;
        resolve();
      });
    });
    this.recorder.listen(this.client, []);
    while (this.#rooms.length < ROOMS) this.#joinAnother();
  }

  /** Leaves the room that it has been in for longest, and joins another. */
  changeRoom(): void {
    const old = this.#rooms.shift();
    if (old === undefined) return;
    this.recorder.left(old);
    this.client.room(old).leave();
    this.#joinAnother(old);
  }

  go(): void {
    this.recorder.leftAll();
    this.goneAtMs = Date.now();
    this.client.close();
  }

  #joinAnother(than?: string): void {
    const others = this.#allRooms.filter((room) => room !== than && !this.#rooms.includes(room));
    const room = pick(others, this.#random);
    this.#rooms.push(room);
    this.recorder.join(this.client, room);
  }
}
