import type { Client, ClientEvents, ClientState, Room, Self } from "./api.ts";
import { Backoff } from "./backoff.ts";
import { type Clock, moment } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { Connector } from "./connector.ts";
import { Feed, type Gap, RoomFeed } from "./feed.ts";
import type {
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
import { connectionUrl, offeredProtocols, type WebSocketLike } from "./web-socket.ts";

/** All options, with their defaults. */
export type ClientInit = Pick<ConnectOptions, "url" | "userId" | "token"> &
  Required<Omit<ConnectOptions, "url" | "userId" | "token">>;

/** The error of a join that may be answered otherwise later. */
const AUTHZ_UNAVAILABLE = "AUTHZ_UNAVAILABLE";

/** Routes frames to the subscriptions that they are for, and asks for these on each new connection. */
export class PushcastClient implements Client {
  readonly #init: ClientInit;
  readonly #clock: Clock;
  readonly #listeners = new Listeners<ClientEvents>();
  readonly #self = new Feed();
  readonly #rooms = new Map<string, RoomFeed>();
  readonly #connector: Connector;
  /** Between joins of which nobody could say whether they are allowed. */
  readonly #joinBackoff: Backoff;
  #joinTimer: unknown;
  #lastRequestId = 0;
  #hasWarnedOfGap = false;

  constructor(init: ClientInit) {
    this.#init = init;
    this.#clock = init.clock;
    this.#joinBackoff = new Backoff(init);
    this.#connector = new Connector({
      clock: init.clock,
      backoff: new Backoff(init),
      resumes: () => this.#self.subscription.hasPosition,
      openSocket: (resumes) => this.#openSocket(resumes),
      onFrame: (connection, frame) => this.#receive(connection, frame),
      onGone: (connection) => {
        for (const { subscription } of this.#feeds()) subscription.ended(connection);
      },
      onState: (state) => this.#listeners.emit("state", state),
      onWarning: init.onWarning,
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
    if (main !== undefined) this.#ask(main, room);
    return room;
  }

  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => void,
  ): () => void {
    return this.#listeners.on(name, listener);
  }

  reconnect(): void {
    this.#connector.reconnect();
  }

  close(): void {
    this.#clock.clearTimeout(this.#joinTimer);
    this.#joinTimer = undefined;
    this.#connector.close();
  }

  async #openSocket(resumes: boolean): Promise<WebSocketLike> {
    const { url, userId, token, WebSocket } = this.#init;
    const [address, jwt] = await Promise.all([
      typeof url === "function" ? url() : url,
      typeof token === "function" ? token() : token,
    ]);
    return new WebSocket(connectionUrl(address, { userId, resumes }), offeredProtocols(jwt));
  }

  *#feeds(): IterableIterator<Feed> {
    yield this.#self;
    yield* this.#rooms.values();
  }

  #addRoom(name: string, ticket: string | undefined): RoomFeed {
    const room = new RoomFeed(name, ticket, (left) => this.#leave(left));
    this.#rooms.set(name, room);
    return room;
  }

  #ask(connection: Connection, feed: Feed): void {
    const id = this.#nextRequestId();
    const claim = feed.subscription.ask(connection, id, moment(this.#clock));
    if (!(feed instanceof RoomFeed)) {
      connection.send({ type: "resume", id, ...claim });
      return;
    }
    const { name: room, ticket } = feed;
    connection.send({
      type: "join",
      id,
      room,
      ...claim,
      ...(ticket === undefined ? {} : { ticket }),
    });
  }

  #leave(room: RoomFeed): void {
    if (this.#rooms.get(room.name) !== room) return;
    this.#rooms.delete(room.name);
    for (const connection of this.#connector.welcomed) {
      const id = this.#nextRequestId();
      connection.leaving.set(id, room.name);
      connection.send({ type: "leave", id, room: room.name });
    }
    room.setState({ state: "left", by: "client" });
    this.#checkSettled();
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
      case "error":
        this.#refused(connection, frame);
        break;
    }
  }

  #welcomed(connection: Connection, frame: WelcomeFrame): void {
    this.#connector.take(connection, frame);
    if (connection.resumes) this.#ask(connection, this.#self);
    else this.#self.subscription.begin(connection, frame.position);
    for (const room of this.#rooms.values()) this.#ask(connection, room);
    if (this.#isAwaiting) this.#connector.resuming();
    else this.#connector.settled();
  }

  get #isAwaiting(): boolean {
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
    const answer = room.subscription.answer(connection, frame.position, frame.recovered);
    room.setState({ state: "joined" });
    if (answer === "gap") this.#sayGap(room, "away");
    this.#checkSettled();
  }

  #resumed(connection: Connection, { id, position, recovered }: ResumedFrame): void {
    const { subscription } = this.#self;
    if (id === undefined || !subscription.awaits(connection, id)) return;
    const answer = subscription.answer(connection, position, recovered);
    if (answer === "gap") this.#sayGap(this.#self, "away");
    this.#checkSettled();
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
    if (main !== undefined && main !== connection) this.#ask(main, room);
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
      if (feed.subscription.raise(connection, frame.position)) this.#sayGap(feed, "lost");
    }
  }

  #inScope(frame: GapFrame): Feed[] {
    switch (frame.scope) {
      case "room": {
        const room = this.#rooms.get(frame.room);
        return room === undefined ? [] : [room];
      }
      case "self":
        return [this.#self];
      case "all":
        return [...this.#feeds()];
    }
  }

  #refused(connection: Connection, { id, code, message }: ErrorFrame): void {
    for (const feed of this.#feeds()) {
      if (id === undefined || !feed.subscription.awaits(connection, id)) continue;
      if (feed instanceof RoomFeed && code === AUTHZ_UNAVAILABLE) {
        feed.subscription.unanswered();
        this.#joinLater();
      } else if (feed instanceof RoomFeed) {
        this.#rooms.delete(feed.name);
        feed.setState({ state: "refused", code, message });
      } else {
        this.#resumeRefused(connection);
      }
      this.#checkSettled();
      return;
    }
    this.#init.onWarning({ code: "FRAME_REFUSED", message: `${code}: ${message}` });
  }

  /** Asks again for the rooms of which nobody could say whether they may be joined. */
  #joinLater(): void {
    if (this.#joinTimer !== undefined) return;
    this.#joinTimer = this.#clock.setTimeout(() => {
      this.#joinTimer = undefined;
      const { main } = this.#connector;
      if (main === undefined) return;
      for (const room of this.#rooms.values()) {
        if (!room.subscription.isAsked && !room.subscription.heeds(main)) this.#ask(main, room);
      }
    }, this.#joinBackoff.failed());
  }

  /** The server soon ends its hold of *self* and goes on from its `welcome`. */
  #resumeRefused(connection: Connection): void {
    this.#self.subscription.goOn(connection, connection.welcomePosition);
    this.#sayGap(this.#self, "away");
  }

  #sayGap(feed: Feed, reason: Gap["reason"]): void {
    if (feed.sayGap(reason) || this.#hasWarnedOfGap) return;
    this.#hasWarnedOfGap = true;
    const where = feed.room === undefined ? "self" : `room ${JSON.stringify(feed.room)}`;
    const message = `messages may be missing in ${where} and nobody listens: use on("gap", …) to load its state anew`;
    this.#init.onWarning({ code: "GAP_UNHEARD", message });
  }

  #nextRequestId(): number {
    this.#lastRequestId += 1;
    return this.#lastRequestId;
  }
}
