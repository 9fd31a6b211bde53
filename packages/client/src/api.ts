import type { CloseName } from "./close-codes.ts";
import type { Message } from "./message.ts";

/** A client of Pushcast. It stays connected, and in its rooms, until it is closed. */
export interface Client {
  readonly state: ClientState;
  /** The user's own messages and the broadcasts. */
  readonly self: Self;
  /**
   * Joins a room and stays in it over reconnects. The same room again is the same `Room`.
   * @param options.ticket a proof that this user may join, which came to another client of the user; those
   *   that come to this one are kept and sent by itself
   */
  room(name: string, options?: { readonly ticket?: string }): Room;
  /** @returns stops listening */
  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => void,
  ): () => void;
  /**
   * Connects at once if the state is `closed`: instead of waiting, or after an end that forbade it, with
   * a token of a user who has logged in anew. Else does nothing.
   */
  reconnect(): void;
  /** Ends the connection, and each `for await`. Rooms and positions are kept for a `reconnect`. */
  close(): void;
}

export interface ClientEvents {
  /** Not said for the state that a client begins with, `connecting`. */
  state: ClientState;
  /** The biz-server has put this user into a room that the app had not joined. */
  room: Room;
  /** Messages may be missing, in whatever room or in *self*: what `onGap` gets. */
  gap: Gap;
}

export type ClientState =
  /** A connection is being opened. */
  | { readonly state: "connecting" }
  /** Connected; not every room, and *self*, has been answered yet. */
  | { readonly state: "resuming" }
  /** All is live. A move to another node does not leave this state. */
  | {
      readonly state: "open";
      readonly sessionId: string;
      readonly userId: string;
      readonly nodeId: string;
    }
  | {
      readonly state: "closed";
      readonly code: number;
      readonly name: CloseName;
      readonly reason: string;
      /** A new connection is opened after `retryInMs`. */
      readonly retry: true;
      readonly retryInMs: number;
    }
  | {
      readonly state: "closed";
      readonly code: number;
      readonly name: CloseName;
      readonly reason: string;
      /** Nothing more is done, until `reconnect` is called. */
      readonly retry: false;
    };

/** Messages may be missing: load the state anew. What comes after it is complete again. */
export interface Gap {
  /** Absent for *self*. */
  readonly room?: string;
  /** The room, or *self*. */
  readonly from: Room | Self;
  readonly reason: GapReason;
}

export type GapReason =
  /** The connection was gone, and not everything since could be recovered. */
  | "away"
  /** The server said so while it was there. */
  | "lost"
  /** A `for await` fell so far behind that what waited for it was dropped; `on("message")` had it all. */
  | "overflow";

export interface FeedEvents {
  message: Message;
  gap: Gap;
}

/**
 * What is for this user and for everybody, whatever the rooms.
 *
 * `for await (const message of self)` gives the messages from then on, one after another, until `break`,
 * or until the client is closed for good. Those that come meanwhile wait, `maxBuffered` at most; one
 * more, and all that waited are dropped, with a gap `overflow`.
 */
export interface Self extends AsyncIterable<Message> {
  /** @returns stops listening */
  on<Name extends keyof FeedEvents>(
    name: Name,
    listener: (event: FeedEvents[Name]) => void,
  ): () => void;
}

/** A room that the client is in. `for await` as of `Self`; it ends also when the room is left. */
export interface Room extends AsyncIterable<Message> {
  readonly name: string;
  readonly state: RoomState;
  /** @returns stops listening */
  on<Name extends keyof RoomEvents>(
    name: Name,
    listener: (event: RoomEvents[Name]) => void,
  ): () => void;
  /** Nothing more is said of the room after it, but for what a `for await` has still to give. */
  leave(): void;
}

export interface RoomEvents extends FeedEvents {
  state: RoomState;
}

export type RoomState =
  /** Asked for, or will be: when there is a connection, or when the server can say whether it may be joined. */
  | { readonly state: "joining" }
  /** What is pushed to the room comes, or is replayed after a reconnect. */
  | { readonly state: "joined" }
  /** By `leave`, or by the biz-server. To join again, ask for the room again. */
  | { readonly state: "left"; readonly by: "client" | "server" }
  /** The server does not let this user in. To try again, ask for the room again. */
  | { readonly state: "refused"; readonly code: string; readonly message: string };
