import { setTimeout as sleep } from "node:timers/promises";
import { JSON_SUBPROTOCOL } from "@pushcast/wire";
import { WebSocket } from "ws";
import { pick } from "../support/random.ts";
import { type Frame, RewindingSubscription } from "./rewinding-subscription.ts";

const RETRY_WITHIN_MS = 100;
/** Of a resume, the chance that it is from an earlier position. */
const GOES_BACK = 0.6;
const STAYS_AWAY_WITHIN_MS = 1_000;

/** What it does next, by its share in a hundred. */
const ACTS = [
  ["again", 70],
  ["all again", 10],
  ["cut", 6],
  ["cut unanswered", 4],
  ["hand over", 5],
  ["leave and return", 5],
] as const;

type Act = (typeof ACTS)[number][0];

/** A client that speaks the protocol by hand, and resumes again and again. */
export class Resumer {
  readonly userId: string;
  readonly subscriptions: readonly RewindingSubscription[];
  /** Frames and closes that should not have come, in words. */
  readonly faults: string[] = [];
  readonly #self: RewindingSubscription;
  readonly #url: () => string;
  readonly #random: () => number;
  readonly #goesBackMs: number;
  readonly #onAnswered: () => void;
  #socket: WebSocket | undefined;
  #lastId = 0;
  /** Its node will stop, and has said so. */
  #isToMove = false;

  constructor(init: {
    userId: string;
    rooms: readonly string[];
    /** Of any node. */
    url: () => string;
    random: () => number;
    /** How far it goes back at most. */
    goesBackMs: number;
    /** A resume was answered. */
    onAnswered: () => void;
  }) {
    const { userId, rooms } = init;
    this.userId = userId;
    this.#self = new RewindingSubscription(userId, undefined);
    this.subscriptions = [
      this.#self,
      ...rooms.map((room) => new RewindingSubscription(userId, room)),
    ];
    this.#url = init.url;
    this.#random = init.random;
    this.#goesBackMs = init.goesBackMs;
    this.#onAnswered = init.onAnswered;
  }

  get isLive(): boolean {
    return this.subscriptions.every(({ isLive }) => isLive);
  }

  /** Connects where it is not, and asks for all that is not live, until all is. */
  async becomeLive(): Promise<void> {
    while (!this.isLive) {
      const socket = await this.#connected();
      for (const subscription of this.subscriptions) {
        if (!subscription.isLive) this.#ask(socket, subscription);
      }
      await this.#answered(socket);
    }
  }

  /** Resumes once, some way or other. Afterwards it may be anything but live. */
  async act(): Promise<void> {
    const socket = await this.#connected();
    switch (this.#isToMove ? "hand over" : this.#choice()) {
      case "again":
        this.#askAgain(socket, pick(this.subscriptions, this.#random));
        break;
      case "all again":
        for (const subscription of this.subscriptions) this.#askAgain(socket, subscription);
        break;
      case "cut":
        socket.terminate();
        for (const subscription of this.subscriptions) this.#goBackSometimes(subscription);
        await sleep(this.#random() * STAYS_AWAY_WITHIN_MS);
        break;
      case "cut unanswered":
        for (const subscription of this.subscriptions) this.#askAgain(socket, subscription);
        setImmediate(() => socket.terminate());
        break;
      case "hand over":
        // The older connection goes on speaking meanwhile, and is not listened to.
        this.#socket = undefined;
        await this.#moved(socket);
        break;
      case "leave and return": {
        const rooms = this.subscriptions.filter((subscription) => subscription !== this.#self);
        const subscription = pick(rooms, this.#random);
        socket.send(JSON.stringify({ type: "leave", room: subscription.room }));
        subscription.ended(socket);
        await sleep(this.#random() * STAYS_AWAY_WITHIN_MS);
        if (socket.readyState === WebSocket.OPEN) this.#askAgain(socket, subscription);
        break;
      }
    }
    if (socket.readyState === WebSocket.OPEN) await this.#answered(socket);
  }

  close(): void {
    this.#socket?.terminate();
  }

  #choice(): Act {
    let at = this.#random() * 100;
    for (const [act, share] of ACTS) {
      at -= share;
      if (at < 0) return act;
    }
    return "again";
  }

  async #moved(from: WebSocket): Promise<void> {
    const socket = await this.#connected();
    for (const subscription of this.subscriptions) this.#askAgain(socket, subscription);
    await this.#answered(socket);
    from.terminate();
  }

  #goBackSometimes(subscription: RewindingSubscription): void {
    if (this.#random() < GOES_BACK) subscription.goBack(this.#random, this.#goesBackMs);
  }

  #askAgain(socket: WebSocket, subscription: RewindingSubscription): void {
    this.#goBackSometimes(subscription);
    this.#ask(socket, subscription);
  }

  #ask(socket: WebSocket, subscription: RewindingSubscription): void {
    this.#lastId += 1;
    const id = this.#lastId;
    const { room } = subscription;
    const claim = subscription.ask(socket, id);
    const request = room === undefined ? { type: "resume", id } : { type: "join", id, room };
    socket.send(JSON.stringify({ ...request, ...claim }));
  }

  /** Resolves when nothing is awaited on the connection, or it has ended. */
  #answered(socket: WebSocket): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        const isAwaited = this.subscriptions.some((subscription) => subscription.isAsked(socket));
        if (isAwaited && socket.readyState === WebSocket.OPEN) return;
        socket.off("message", look);
        socket.off("close", look);
        resolve();
      };
      socket.on("message", look);
      socket.on("close", look);
      look();
    });
  }

  /** The connection of now, or a new one to any node. */
  async #connected(): Promise<WebSocket> {
    while (this.#socket?.readyState !== WebSocket.OPEN) {
      this.#socket = await this.#opened();
      if (this.#socket === undefined) await sleep(this.#random() * RETRY_WITHIN_MS);
    }
    return this.#socket;
  }

  /** Resolves when it is welcomed; with undefined if it is not. */
  #opened(): Promise<WebSocket | undefined> {
    const resumes = this.#self.hasPosition;
    const url = `${this.#url()}?user_id=${this.userId}${resumes ? "&resume=1" : ""}`;
    const socket = new WebSocket(url, [JSON_SUBPROTOCOL], { perMessageDeflate: false });
    return new Promise((resolve) => {
      socket.on("message", (data) => {
        const frame: Frame = JSON.parse(String(data));
        if (frame.type === "welcome") {
          if (!resumes) this.#self.begin(socket, frame.position ?? {});
          this.#isToMove = false;
          resolve(socket);
        }
        this.#received(socket, frame);
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        for (const subscription of this.subscriptions) subscription.ended(socket);
        resolve(undefined);
      });
    });
  }

  #received(socket: WebSocket, frame: Frame): void {
    for (const subscription of this.subscriptions) subscription.heard(socket);
    switch (frame.type) {
      case "joined":
      case "resumed": {
        const awaiting = this.#of(frame.room);
        if (awaiting?.awaits(socket, frame.id) !== true) break;
        if (awaiting.answer(socket, frame) !== undefined) this.#onAnswered();
        break;
      }
      case "message": {
        const addressed = this.#of(frame.room);
        if (addressed !== undefined) addressed.message(socket, frame);
        else this.faults.push(`${this.userId}: misdirected: it never asked for ${frame.room}`);
        break;
      }
      case "position":
        for (const one of this.subscriptions) one.position(socket, frame.position ?? {});
        break;
      case "gap":
        for (const one of this.subscriptions) {
          if (isInScope(one, frame)) one.gap(socket, frame.position ?? {});
        }
        break;
      case "reconnect":
        if (socket === this.#socket) this.#isToMove = true;
        break;
      case "error":
        this.faults.push(`${this.userId}: ${JSON.stringify(frame)}`);
        break;
    }
  }

  #of(room: string | undefined): RewindingSubscription | undefined {
    return this.subscriptions.find((subscription) => subscription.room === room);
  }
}

function isInScope({ room }: RewindingSubscription, gap: Frame): boolean {
  return gap.scope === "all" || (gap.scope === "self" ? room === undefined : room === gap.room);
}
