import type { Room, RoomEvents, RoomState, Self } from "./api.ts";
import { Listeners } from "./listeners.ts";
import type { Message } from "./message.ts";
import { Subscription } from "./subscription.ts";

/** Messages may be missing: load the state anew. What comes after it is complete again. */
export interface Gap {
  /** Absent for *self*. */
  readonly room?: string;
  /**
   * `away`: the connection was gone, and not everything since could be recovered. `lost`: the server
   * said so while it was there.
   */
  readonly reason: "away" | "lost";
}

export interface FeedEvents {
  message: Message;
  gap: Gap;
}

/** What an app listens to, and the subscription that decides what it hears. */
export class Feed implements Self {
  readonly subscription = new Subscription();
  protected readonly listeners = new Listeners<RoomEvents>();

  get room(): string | undefined {
    return undefined;
  }

  on<Name extends keyof RoomEvents>(
    name: Name,
    listener: (event: RoomEvents[Name]) => void,
  ): () => void {
    return this.listeners.on(name, listener);
  }

  sayMessage(message: Message): void {
    this.listeners.emit("message", message);
  }

  /** @returns whether anybody listened */
  sayGap(reason: Gap["reason"]): boolean {
    const { room } = this;
    return this.listeners.emit("gap", room === undefined ? { reason } : { room, reason });
  }
}

/** A room that was asked for, or that the biz-server has put the user into. */
export class RoomFeed extends Feed implements Room {
  readonly name: string;
  ticket: string | undefined;
  readonly #leave: (room: RoomFeed) => void;
  #state: RoomState = { state: "joining" };

  constructor(name: string, ticket: string | undefined, leave: (room: RoomFeed) => void) {
    super();
    this.name = name;
    this.ticket = ticket;
    this.#leave = leave;
  }

  override get room(): string {
    return this.name;
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
  }
}
