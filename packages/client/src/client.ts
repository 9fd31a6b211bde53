import type { Client, ClientEvents, ClientState, Room, Self } from "./api.ts";
import { Backoff } from "./backoff.ts";
import { type Clock, moment } from "./clock.ts";
import { type End, reconnectsAfter, TOKEN_EXPIRED } from "./close-codes.ts";
import type { Connection } from "./connection.ts";
import { Connector } from "./connector.ts";
import { Feed, type FeedInit, RoomFeed } from "./feed.ts";
import type {
  ClientFrame,
  ErrorFrame,
  GapFrame,
  JoinedFrame,
  MessageFrame,
  ResumedFrame,
  ServerFrame,
  WelcomeFrame,
} from "./frames.ts";
import { Listeners } from "./listeners.ts";
import type { ConnectOptions } from "./options.ts";
import { Timer } from "./timer.ts";
import { TokenKeeper } from "./token-keeper.ts";
import { connectionUrl, offeredProtocols, type WebSocketLike } from "./web-socket.ts";

/** All options, with their defaults. */
export type ClientInit = Pick<ConnectOptions, "url" | "userId" | "token"> &
  Required<Omit<ConnectOptions, "url" | "userId" | "token">>;

/** The error of a join that may be answered otherwise later. */
const AUTHZ_UNAVAILABLE = "AUTHZ_UNAVAILABLE";
/** Between attempts to renew a token: a server looks at few in a minute. */
const RENEWAL_DELAYS = { minDelayMs: 5_000, maxDelayMs: 60_000 };

/** Routes frames to the subscriptions that they are for, and asks for these on each new connection. */
export class PushcastClient implements Client {
  readonly #init: ClientInit;
  readonly #clock: Clock;
  readonly #listeners = new Listeners<ClientEvents>();
  readonly #feedInit: FeedInit;
  readonly #self: Feed;
  readonly #rooms = new Map<string, RoomFeed>();
  readonly #tokens: TokenKeeper;
  readonly #connector: Connector;
  /** Between joins of which nobody could say whether they are allowed. */
  readonly #joinBackoff: Backoff;
  readonly #joinTimer: Timer;
  #lastRequestId = 0;

  constructor(init: ClientInit) {
    this.#init = init;
    this.#clock = init.clock;
    this.#joinBackoff = new Backoff(init);
    this.#joinTimer = new Timer(init.clock);
    this.#listeners.on("gap", init.onGap);
    const { maxBuffered, random } = init;
    this.#feedInit = { maxBuffered, onGap: (gap) => this.#listeners.emit("gap", gap) };
    this.#self = new Feed(this.#feedInit);
    this.#tokens = new TokenKeeper({
      ...init,
      backoff: new Backoff({ ...RENEWAL_DELAYS, random }),
      send: (token) => this.#connector.main?.send({ type: "token", token }),
    });
    this.#connector = new Connector({
      ...init,
      backoff: new Backoff(init),
      resumes: () => this.#self.subscription.hasPosition,
      openSocket: (resumes) => this.#openSocket(resumes),
      onFrame: (connection, frame) => this.#receive(connection, frame),
      onGone: (connection) => {
        for (const { subscription } of this.#feeds()) subscription.ended(connection);
      },
      finalEnd: (connection, end) => this.#finalEnd(connection, end),
      onState: (state) => this.#told(state),
    });
  }

  get state(): ClientState {
    return this.#connector.state;
  }

  get self(): Self {
    return this.#self;
  }

  room(name: string, { ticket }: { readonly ticket?: string } = {}): Room {
    const known = this.#rooms.get(name);
    if (known !== undefined) {
      known.ticket = ticket ?? known.ticket;
      return known;
    }
    const room = this.#addRoom(name, ticket);
    const { main } = this.#connector;
    if (main !== undefined) this.#askRoom(main, room);
    return room;
  }

  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => void,
  ): () => void {
    return this.#listeners.on(name, listener);
  }

  reconnect(): void {
    this.#tokens.forgive();
    this.#connector.reconnect();
  }

  close(): void {
    this.#joinTimer.clear();
    this.#connector.close();
  }

  async #openSocket(resumes: boolean): Promise<() => WebSocketLike> {
    const { url, userId, subprotocol, WebSocket } = this.#init;
    const [address, token] = await Promise.all([
      typeof url === "function" ? url() : url,
      this.#tokens.next(),
    ]);
    return () => {
      this.#tokens.opens(token);
      const full = connectionUrl(address, { userId, resumes });
      return new WebSocket(full, offeredProtocols(subprotocol, token));
    };
  }

  #finalEnd(connection: Connection, end: End): End | undefined {
    if (end.code === TOKEN_EXPIRED) return this.#tokens.expired(end, connection.livedMs);
    return reconnectsAfter(end) ? undefined : end;
  }

  #told(state: ClientState): void {
    if (state.state === "closed") {
      this.#tokens.stop();
      if (!state.retry) for (const feed of this.#feeds()) feed.endStreams();
    }
    this.#listeners.emit("state", state);
  }

  *#feeds(): IterableIterator<Feed> {
    yield this.#self;
    yield* this.#rooms.values();
  }

  #addRoom(name: string, ticket: string | undefined): RoomFeed {
    const leave = (left: RoomFeed) => this.#leave(left);
    const room = new RoomFeed({ ...this.#feedInit, name, ticket, leave });
    this.#rooms.set(name, room);
    return room;
  }

  #askSelf(connection: Connection): void {
    const id = this.#nextRequestId();
    const claim = this.#self.subscription.ask(connection, id, moment(this.#clock));
    connection.send({ type: "resume", id, ...claim });
  }

  /** Only as it is its turn does the room stop to listen to the connection before. */
  #askRoom(connection: Connection, room: RoomFeed): void {
    connection.queue(() => {
      const isCurrent = this.#rooms.get(room.name) === room && connection === this.#connector.main;
      // It may have been asked for twice before its turn came.
      if (!isCurrent || room.subscription.isOn(connection)) return;
      return this.#joinFrame(connection, room);
    });
  }

  #joinFrame(connection: Connection, { name: room, ticket, subscription }: RoomFeed): ClientFrame {
    const id = this.#nextRequestId();
    const claim = subscription.ask(connection, id, moment(this.#clock));
    return { type: "join", id, room, ...claim, ticket };
  }

  #leave(room: RoomFeed): void {
    if (this.#rooms.get(room.name) !== room) return;
    this.#rooms.delete(room.name);
    for (const connection of this.#connector.welcomed) {
      const id = this.#nextRequestId();
      connection.leaving.set(id, room.name);
      connection.queue(() => ({ type: "leave", id, room: room.name }));
    }
    room.setState({ state: "left", by: "client" });
  }

  #receive(connection: Connection, frame: ServerFrame): void {
    switch (frame.type) {
      case "welcome":
        this.#welcomed(connection, frame);
        break;
      case "joined":
        if (frame.id === undefined) this.#joinedByServer(connection, frame);
        else this.#joined(connection, frame.id, frame);
        break;
      case "left":
        if (frame.id === undefined) this.#leftByServer(connection, frame.room);
        else connection.leaving.delete(frame.id);
        break;
      case "resumed":
        this.#resumed(connection, frame);
        break;
      case "message":
        this.#message(connection, frame);
        break;
      case "position":
        for (const { subscription } of this.#feeds()) {
          subscription.raise(connection, frame.position);
        }
        break;
      case "gap":
        this.#gap(connection, frame);
        break;
      case "reconnect":
        this.#connector.moveAfter(connection, frame.afterMs);
        break;
      case "token_accepted":
        this.#tokens.accepted(frame.expiresAt);
        break;
      case "pong":
        break;
      case "error":
        this.#refused(connection, frame);
        break;
    }
    this.#checkSettled();
  }

  #welcomed(connection: Connection, frame: WelcomeFrame): void {
    this.#connector.take(connection, frame);
    this.#tokens.begin();
    if (connection.resumes) this.#askSelf(connection);
    else this.#self.subscription.begin(connection, frame.position);
    for (const room of this.#rooms.values()) this.#askRoom(connection, room);
    if (this.#isAwaiting) this.#connector.resuming();
  }

  get #isAwaiting(): boolean {
    if (this.#connector.main?.isQueueing === true) return true;
    for (const { subscription } of this.#feeds()) if (subscription.isAsked) return true;
    return false;
  }

  #checkSettled(): void {
    const { main, isSettled } = this.#connector;
    if (main !== undefined && !isSettled && !this.#isAwaiting) this.#connector.settled();
  }

  #joined(connection: Connection, id: number, frame: JoinedFrame): void {
    const room = this.#rooms.get(frame.room);
    if (room?.subscription.awaits(connection, id) !== true) return;
    room.ticket = frame.ticket ?? room.ticket;
    this.#joinBackoff.succeeded();
    const isMissing = room.subscription.answer(connection, frame.position, frame.recovered);
    room.setState({ state: "joined" });
    if (isMissing) room.sayGap("away");
  }

  #resumed(connection: Connection, { id, position, recovered }: ResumedFrame): void {
    const { subscription } = this.#self;
    if (id === undefined || !subscription.awaits(connection, id)) return;
    const isMissing = subscription.answer(connection, position, recovered);
    if (isMissing) this.#self.sayGap("away");
  }

  #joinedByServer(connection: Connection, { room: name, position, ticket }: JoinedFrame): void {
    // A leave is under way that the server will read after this.
    if ([...connection.leaving.values()].includes(name)) return;
    const known = this.#rooms.get(name);
    if (known !== undefined) {
      known.ticket = ticket ?? known.ticket;
      known.subscription.raise(connection, position);
      return;
    }
    const room = this.#addRoom(name, ticket);
    room.subscription.begin(connection, position);
    room.setState({ state: "joined" });
    const { main } = this.#connector;
    if (main !== undefined && main !== connection) this.#askRoom(main, room);
    this.#listeners.emit("room", room);
  }

  #leftByServer(connection: Connection, name: string): void {
    const room = this.#rooms.get(name);
    if (room?.subscription.heeds(connection) !== true) return;
    this.#rooms.delete(name);
    room.setState({ state: "left", by: "server" });
  }

  #message(connection: Connection, { epoch, seq, message }: MessageFrame): void {
    const feed = message.room === undefined ? this.#self : this.#rooms.get(message.room);
    const isNews = feed?.subscription.accept(connection, { ...message, epoch, seq });
    if (isNews === true) feed?.sayMessage(message);
  }

  #gap(connection: Connection, frame: GapFrame): void {
    for (const feed of this.#inScope(frame)) {
      if (feed?.subscription.raise(connection, frame.position)) feed.sayGap("lost");
    }
  }

  #inScope(frame: GapFrame): readonly (Feed | undefined)[] {
    if (frame.scope === "all") return [...this.#feeds()];
    return [frame.scope === "self" ? this.#self : this.#rooms.get(frame.room ?? "")];
  }

  #refused(connection: Connection, { id, code, message }: ErrorFrame): void {
    for (const feed of this.#feeds()) {
      if (id === undefined || !feed.subscription.awaits(connection, id)) continue;
      if (!(feed instanceof RoomFeed)) {
        this.#resumeRefused(connection);
      } else if (code === AUTHZ_UNAVAILABLE) {
        feed.subscription.unanswered();
        this.#joinLater();
      } else {
        this.#rooms.delete(feed.name);
        feed.setState({ state: "refused", code, message });
      }
      return;
    }
    // A `token` frame has no id.
    if (id === undefined && this.#tokens.isAwaiting) this.#tokens.notAccepted(code);
    this.#init.onWarning({ code: "FRAME_REFUSED", message: `${code}: ${message}` });
  }

  /** Asks again for the rooms of which nobody could say whether they may be joined. */
  #joinLater(): void {
    if (this.#joinTimer.isSet) return;
    this.#joinTimer.set(this.#joinBackoff.failed(), () => {
      const { main } = this.#connector;
      if (main === undefined) return;
      for (const room of this.#rooms.values()) {
        if (!room.subscription.isOn(main)) this.#askRoom(main, room);
      }
    });
  }

  /** The server soon ends its hold of *self* and goes on from its `welcome`. */
  #resumeRefused(connection: Connection): void {
    this.#self.subscription.goOn(connection, connection.welcomePosition);
    this.#self.sayGap("away");
  }

  #nextRequestId(): number {
    this.#lastRequestId += 1;
    return this.#lastRequestId;
  }
}
