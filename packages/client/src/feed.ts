import type { Gap, GapReason, Room, RoomEvents, RoomState, Self } from "./api.ts";
import { Listeners } from "./listeners.ts";
import type { Message } from "./message.ts";
import { MessageStream } from "./message-stream.ts";
import { Subscription } from "./subscription.ts";

export interface FeedInit {
  /** The most messages that wait in one `for await`. */
  readonly maxBuffered: number;
  readonly onGap: (gap: Gap) => void;
}

/** What an app listens to, and the subscription that decides what it hears. */
export class Feed implements Self {
  readonly subscription = new Subscription();
  protected readonly listeners = new Listeners<RoomEvents>();
  readonly #init: FeedInit;
  readonly #streams = new Set<MessageStream>();

  constructor(init: FeedInit) {
    this.#init = init;
  }

  on<Name extends keyof RoomEvents>(
    name: Name,
    listener: (event: RoomEvents[Name]) => void,
  ): () => void {
    return this.listeners.on(name, listener);
  }

  [Symbol.asyncIterator](): MessageStream {
    const stream = new MessageStream({
      maxBuffered: this.#init.maxBuffered,
      onStop: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    if (this.isOver) this.endStreams();
    return stream;
  }

  sayMessage(message: Message): void {
    this.listeners.emit("message", message);
    let hasOverflowed = false;
    for (const stream of this.#streams) hasOverflowed = !stream.push(message) || hasOverflowed;
    if (hasOverflowed) this.sayGap("overflow");
  }

  sayGap(reason: GapReason): void {
    if (this.isOver) return;
    const gap = this.gap(reason);
    this.listeners.emit("gap", gap);
    this.#init.onGap(gap);
  }

  /** Nothing more comes, to those that listen now. */
  endStreams(): void {
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }

  protected get isOver(): boolean {
    return false;
  }

  protected gap(reason: GapReason): Gap {
    return { from: this, reason };
  }
}

/** A room that was asked for, or that the biz-server has put the user into. */
export class RoomFeed extends Feed implements Room {
  readonly name: string;
  ticket: string | undefined;
  readonly #leave: (room: RoomFeed) => void;
  #state: RoomState = { state: "joining" };

  constructor(
    init: FeedInit & {
      readonly name: string;
      readonly ticket: string | undefined;
      readonly leave: (room: RoomFeed) => void;
    },
  ) {
    super(init);
    this.name = init.name;
    this.ticket = init.ticket;
    this.#leave = init.leave;
  }

  get state(): RoomState {
    return this.#state;
  }

  leave(): void {
    this.#leave(this);
  }

  setState(state: RoomState): void {
    if (state.state === this.#state.state) return;
    this.#state = state;
    this.listeners.emit("state", state);
    if (this.isOver) this.endStreams();
  }

  protected override get isOver(): boolean {
    return this.#state.state === "left" || this.#state.state === "refused";
  }

  protected override gap(reason: GapReason): Gap {
    return { room: this.name, from: this, reason };
  }
}
