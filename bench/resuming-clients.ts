import { setTimeout as sleep } from "node:timers/promises";
import { answerParent } from "../test/support/child.ts";
import { stormNumber } from "./content.ts";
import { LeanSocket } from "./lean-socket.ts";
import type { ResumingReport, ResumingRequest } from "./messages.ts";

const OPENED_AT_ONCE = 50;
/** After a connection that ended without an answer. */
const RETRY_MS = 1_000;
const SELF = "";

/** What the benchmark reads of the server's frames. */
interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly room?: string;
  readonly scope?: string;
  readonly position?: Record<string, number>;
  readonly recovered?: boolean;
  readonly content?: string;
}

/** A client's reading of a room or of *self*: the client's rule, and what it got. */
class Subscription {
  position: Record<string, number> = {};
  isAnswered = false;
  recovered: boolean | undefined;
  /** The number of the push that comes next. */
  next = 0;
  repeats = 0;
  /** Numbers that were passed over: lost, or out of order. */
  skipped = 0;

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
    const number = stormNumber(content);
    if (number === undefined) return;
    if (number < this.next) this.repeats += 1;
    else {
      this.skipped += number - this.next;
      this.next = number + 1;
    }
  }
}

/** One client: connects, is cut, comes back with what it knows. */
class Client {
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

let clients: Client[] = [];

/** All of them, so many at once, each one as soon as another is done. */
async function openAll(): Promise<void> {
  const waiting = clients.values();
  const openNext = async () => {
    for (const client of waiting) await client.connect(false, 0);
  };
  await Promise.all(Array.from({ length: OPENED_AT_ONCE }, openNext));
}

/** For each client after how many milliseconds it was back and had what it missed. */
async function resumeAll(pushed: number): Promise<Float64Array> {
  const startedAtMs = performance.now();
  const back = clients.map(async (client) => {
    await client.connect(true, pushed);
    return performance.now() - startedAtMs;
  });
  return Float64Array.from(await Promise.all(back));
}

function report(pushed: ReadonlyMap<string, number>): ResumingReport {
  const subscriptions = clients.flatMap((client) => [...client.subscriptions]);
  const count = <Item>(items: readonly Item[], of: (item: Item) => number) =>
    items.reduce((total, item) => total + of(item), 0);
  return {
    recovered: count(subscriptions, ([, { recovered }]) => Number(recovered === true)),
    notRecovered: count(subscriptions, ([, { recovered }]) => Number(recovered !== true)),
    losses: count(
      subscriptions,
      ([id, { next, skipped }]) => (pushed.get(id) ?? 0) - (next - skipped),
    ),
    repeats: count(subscriptions, ([, { repeats }]) => repeats),
    gaps: count(clients, ({ gaps }) => gaps),
    refusals: count(clients, ({ refusals }) => refusals),
    lostConnections: count(clients, ({ lostConnections }) => lostConnections),
  };
}

answerParent<ResumingRequest>(async (request) => {
  switch (request.type) {
    case "open":
      clients = request.clients.map(({ url, userId, roomIds }) => new Client(url, userId, roomIds));
      await openAll();
      return clients.length;
    case "cut":
      for (const client of clients) client.cut();
      return clients.length;
    case "resume":
      return await resumeAll(request.pushed);
    case "report":
      return report(request.pushed);
  }
});
