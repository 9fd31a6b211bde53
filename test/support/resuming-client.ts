import { setTimeout as sleep } from "node:timers/promises";
import { LeanSocket } from "./lean-socket.ts";

const NUMBERED = "n";
/** After a connection that ended without an answer. */
const RETRY_MS = 1_000;
/** The name of *self* among the rooms. */
export const SELF = "";

/** What clients that resume are pushed: numbered for each subscription from 0 on. */
export function numberedContent(n: number, bytes = 0): Buffer {
  return Buffer.from(`${NUMBERED} ${n} `.padEnd(bytes, "x"));
}

function numberIn(content: string): number | undefined {
  const [kind, n] = content.split(" ", 2);
  return kind === NUMBERED ? Number(n) : undefined;
}

/** What is read of the server's frames. */
interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly room?: string;
  readonly scope?: string;
  readonly position?: Record<string, number>;
  readonly recovered?: boolean;
  readonly content?: string;
}

/** A client's reading of a room or of *self*, and what it got. */
class Subscription {
  position: Record<string, number> = {};
  isAnswered = false;
  recovered: boolean | undefined;
  /** The number of the push that comes next. */
  next = 0;
  repeats = 0;
  /** Numbers that were passed over: lost, or out of order. */
  skipped = 0;

  /** How many different pushes it got. */
  get received(): number {
    return this.next - this.skipped;
  }

  raise(position: Record<string, number>): void {
    for (const [epoch, seq] of Object.entries(position)) {
      this.position[epoch] = Math.max(this.position[epoch] ?? 0, seq);
    }
  }

  take(id: string, content: string): void {
    const [epoch = "", seq] = id.split("-");
    if (Number(seq) <= (this.position[epoch] ?? 0)) {
      this.repeats += 1;
      return;
    }
    this.position[epoch] = Number(seq);
    const number = numberIn(content);
    if (number === undefined) return;
    if (number < this.next) this.repeats += 1;
    else {
      this.skipped += number - this.next;
      this.next = number + 1;
    }
  }
}

/** A client that costs little: connects, is cut, comes back with what it knows, by the client's rule. */
export class ResumingClient {
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  /** While it resumed. */
  refusals = 0;
  lostConnections = 0;
  gaps = 0;
  #socket: LeanSocket | undefined;
  readonly #url: string;
  readonly #userId: string;
  #lastFrameAtMs = 0;
  #onProgress = () => {};

  constructor(url: string, userId: string, roomIds: readonly string[]) {
    this.#url = url;
    this.#userId = userId;
    this.subscriptions = new Map([SELF, ...roomIds].map((id) => [id, new Subscription()]));
  }

  /** Resolves when all its subscriptions are answered and have had as many pushes as given. */
  connect(resumes: boolean, pushed: number): Promise<void> {
    for (const subscription of this.subscriptions.values()) subscription.isAnswered = false;
    return new Promise((resolve) => {
      this.#onProgress = () => {
        for (const { isAnswered, recovered, next } of this.subscriptions.values()) {
          if (!isAnswered || (recovered !== false && next < pushed)) return;
        }
        this.#onProgress = () => {};
        resolve();
      };
      this.#try(resumes);
    });
  }

  cut(): void {
    this.#socket?.cut();
  }

  #try(resumes: boolean): void {
    const again = async (afterMs: number) => {
      await sleep(afterMs);
      this.#try(resumes);
    };
    const url = new URL(`${this.#url}?user_id=${this.#userId}${resumes ? "&resume=1" : ""}`);
    const socket = new LeanSocket(url, {
      onOpen: () => socket.send(resumes ? this.#resumeFrames() : this.#joinFrames()),
      onText: (text) => this.#receive(JSON.parse(text) as Frame, resumes),
      onRefused: (_status, retryAfterSeconds) => {
        if (resumes) this.refusals += 1;
        void again(retryAfterSeconds * 1_000);
      },
      onLost: () => {
        this.lostConnections += 1;
        void again(RETRY_MS);
      },
    });
    this.#socket = socket;
  }

  #joinFrames(): string[] {
    return this.#roomIds().map((room) => JSON.stringify({ type: "join", room }));
  }

  #resumeFrames(): string[] {
    const away_ms = Math.ceil(performance.now() - this.#lastFrameAtMs);
    const positionOf = (id: string) => this.subscriptions.get(id)?.position;
    return [
      JSON.stringify({ type: "resume", position: positionOf(SELF), away_ms }),
      ...this.#roomIds().map((room) =>
        JSON.stringify({ type: "join", room, position: positionOf(room), away_ms }),
      ),
    ];
  }

  #roomIds(): string[] {
    return [...this.subscriptions.keys()].filter((id) => id !== SELF);
  }

  #receive({ type, id = "", room = SELF, ...frame }: Frame, resumes: boolean): void {
    const subscription = this.subscriptions.get(room);
    if (subscription === undefined) throw new Error(`${this.#userId} is not in ${room}`);
    const isAnswer = type === "joined" || type === "resumed" || (type === "welcome" && !resumes);
    if (isAnswer) {
      subscription.position = frame.position ?? {};
      subscription.recovered = frame.recovered;
      subscription.isAnswered = true;
    } else if (type === "message" && subscription.isAnswered) {
      subscription.take(id, frame.content ?? "");
    } else if (type === "position") {
      for (const answered of this.#answered()) answered.raise(frame.position ?? {});
    } else if (type === "gap") {
      this.gaps += 1;
    }
    if (subscription.isAnswered) this.#lastFrameAtMs = performance.now();
    this.#onProgress();
  }

  #answered(): Subscription[] {
    return [...this.subscriptions.values()].filter(({ isAnswered }) => isAnswered);
  }
}
