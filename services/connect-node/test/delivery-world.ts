import type { Command } from "@pushcast/api";
import {
  HeadWatch,
  lackingInLog,
  misshapenEpochs,
  type Position,
  type Publication,
} from "@pushcast/log";
import type { DeliverMessage } from "../src/deliver-message.ts";
import type { TurnBudget } from "../src/delivery-core.ts";
import type { NodeLog } from "../src/node-log.ts";
import type { NodeSettings } from "../src/settings.ts";
import {
  checkSession,
  type Interval,
  type IntervalEnd,
  type Known,
  type Story,
} from "./delivery-model.ts";
import { FakeManager, type Push } from "./fake-manager.ts";
import { type Client, CODECS, EPOCH_A, EPOCH_B, Stage } from "./stage.ts";

/** What can happen to a node. Numbers pick among what is there. */
export type Happening =
  | { kind: "message"; manager: number; lost: number; pushes: readonly Pushed[] }
  /** The link brings the last message of the manager again, as after a broken stream. */
  | { kind: "repeat"; manager: number }
  | { kind: "batch"; push: Pushed }
  | { kind: "open"; user: number; proto: boolean; resumes: boolean }
  | { kind: "end"; session: number }
  | { kind: "join"; session: number; room: number; back: number | undefined }
  | { kind: "leave"; session: number; room: number }
  /** From a position that the client had so many happenings ago. */
  | { kind: "resume"; session: number; back: number }
  | { kind: "stop"; session: number; afterBytes: number }
  | { kind: "read"; session: number; bytes: number }
  | { kind: "reconnect"; session: number }
  | { kind: "link"; manager: number; up: boolean }
  | { kind: "newManager"; tail: number }
  | { kind: "turns"; count: number }
  | { kind: "settle" }
  | { kind: "pass"; ms: number };

/** A publication or a command that a manager sends. */
export type Pushed =
  | {
      kind: "publication";
      room: number | undefined;
      users: readonly number[];
      excluded: readonly number[];
      ephemeral: boolean;
      bytes: number;
      key: number | undefined;
    }
  | { kind: "join" | "leave"; user: number; room: number }
  | { kind: "disconnect"; user: number };

export interface WorldOptions {
  settings: Partial<NodeSettings>;
  budget: TurnBudget;
}

const MAX_ROOMS = 2;
const RESUME_HOLD_MS = 5_000;
const roomName = (room: number) => `room-${room}`;
const userName = (user: number) => `user-${user}`;

interface Actor {
  readonly client: Client;
  readonly story: Story;
  /** By room; *self* under undefined. */
  readonly open: Map<string | undefined, Interval>;
}

interface Past {
  readonly position: Position;
  readonly atMs: number;
  /** Among everything that happened. */
  readonly at: number;
}

interface KeyUse {
  readonly offset: number;
  readonly counts: { delivered: number; lagging: number } | undefined;
}

/**
 * The delivery core of a node, driven by happenings, and beside it the plainest account of who should
 * get what: lists that are scanned, and a memory that forgets nothing.
 */
export class World {
  readonly stage: Stage;
  /** Where a client stands that was told of everything, after each happening. */
  readonly #pasts: Past[] = [];
  readonly #actors: Actor[] = [];
  readonly #managers: FakeManager[] = [];
  readonly #published: Known[] = [];
  readonly #keys = new Map<string, KeyUse>();
  readonly #lastMessages = new Map<FakeManager, DeliverMessage>();
  /** What was written to nobody yet, as far as ephemeral publications go. */
  #unsettled: Known[] = [];
  readonly #headWatch = new HeadWatch();
  #at = 0;
  #moment = 0;
  #logEnd = 0;
  #opened = 0;

  constructor({ settings, budget }: WorldOptions) {
    this.stage = new Stage({ MAX_ROOMS_PER_SESSION: MAX_ROOMS, ...settings }, budget);
    for (const epoch of [EPOCH_A, EPOCH_B]) {
      this.#managers.push(new FakeManager(epoch));
      this.stage.core.intake.attach(epoch, 0);
    }
  }

  async apply(happening: Happening): Promise<void> {
    this.#moment += 1;
    this.#look();
    this.#pasts.push({
      position: this.stage.core.log.epochs.heads(),
      atMs: this.stage.clock.monotonicMs(),
      at: this.#at,
    });
    await this.#apply(happening);
    this.#look();
    this.#checkBounds();
  }

  /**
   * Lets everybody read to the end, and compares what each session got with what it should have.
   * Returns how many messages were delivered, and how many answers were `recovered: true`.
   */
  async finish(): Promise<{ messages: number; recoveries: number }> {
    this.stage.clock.advance(RESUME_HOLD_MS);
    for (let round = 0; round < 4; round += 1) {
      for (const { client } of this.#live()) client.read();
      await this.apply({ kind: "settle" });
    }
    for (const { client } of this.#live()) {
      if (client.session.lagging) throw new Error("lags with nothing queued");
    }
    let messages = 0;
    const recoveries = { count: 0 };
    for (const { story, client } of this.#actors) {
      const { frames } = client;
      checkSession(story, frames, this.#published, recoveries);
      messages += frames.filter(({ type }) => type === "message").length;
    }
    const { hub } = this.stage.core;
    for (const actor of this.#live()) this.#end(actor);
    const { sessions, users, rooms, lagging, everyone } = hub;
    const left = [sessions.size, users.size, rooms.size, lagging.size, everyone.behind];
    if (left.some((count) => count !== 0)) throw new Error(`leaks: ${left}`);
    return { messages, recoveries: recoveries.count };
  }

  async #apply(happening: Happening): Promise<void> {
    const { core, clock } = this.stage;
    switch (happening.kind) {
      case "message":
        this.#message(pick(this.#managers, happening.manager), happening);
        break;
      case "repeat":
        this.#repeat(pick(this.#managers, happening.manager));
        break;
      case "batch":
        this.#batch(happening.push);
        break;
      case "open":
        this.#open(happening);
        break;
      case "end":
        this.#withActor(happening.session, (actor) => this.#end(actor));
        break;
      case "join":
        this.#withActor(happening.session, (actor) => this.#join(actor, happening));
        break;
      case "leave":
        this.#withActor(happening.session, (actor) => {
          const room = roomName(happening.room);
          this.#close(actor, room, "client");
          actor.client.send({ type: "leave", room });
        });
        break;
      case "resume":
        this.#withActor(happening.session, ({ client, story }) => {
          // A client ignores what comes before the answer.
          story.selfBehindAt.add(this.#moment);
          client.send({ type: "resume", ...this.#ask(story, undefined, happening.back) });
        });
        break;
      case "stop":
        this.#withActor(happening.session, ({ client }) => client.stop(happening.afterBytes));
        break;
      case "read":
        this.#withActor(happening.session, ({ client }) => client.read(happening.bytes));
        break;
      case "reconnect":
        this.#withActor(happening.session, ({ client }) =>
          core.sessions.sayReconnect(client.session, 0),
        );
        break;
      case "link":
        this.#link(pick(this.#managers, happening.manager), happening.up);
        break;
      case "newManager":
        this.#newManager(happening.tail);
        break;
      case "turns":
        for (let turn = 0; turn < happening.count; turn += 1) await this.stage.turn();
        break;
      case "settle":
        await this.#settle();
        break;
      case "pass":
        clock.advance(happening.ms);
        core.housekeep();
        break;
    }
  }

  async #settle(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      // A flush window ends, and then what came within it is due.
      this.stage.clock.advance(25);
      for (let turn = 0; turn < 12; turn += 1) {
        await this.stage.turn();
        this.#look();
      }
    }
    for (const known of this.#unsettled) known.until = this.#moment;
    this.#unsettled = [];
  }

  #message(manager: FakeManager, { lost, pushes }: Extract<Happening, { kind: "message" }>): void {
    const { intake } = this.stage.core;
    // Without a link nothing comes.
    const state = this.stage.core.log.epochs.get(manager.epoch);
    if (state === undefined || state.goneAtMs !== undefined) return;
    if (lost > 0) {
      manager.skip(lost);
      this.#hole(manager);
    }
    manager.atMs = this.stage.clock.now();
    const encoded: Push[] = [];
    const firstSeq = manager.seq + 1;
    const single = pushes.length === 1 && lost === 0;
    let expected:
      | { seq: number; delivered: number; lagging: number; duplicate: boolean }
      | undefined;
    for (const [index, pushed] of pushes.entries()) {
      const seq = firstSeq + index;
      if (pushed.kind !== "publication") {
        encoded.push({ command: commandOf(pushed) });
        this.#logEnd += 1;
        this.#command(pushed);
        continue;
      }
      const push = pushOf(pushed);
      encoded.push(push);
      const first = this.#keys.get(push.idempotencyKey ?? "");
      // The log knows by itself what it has evicted; that is tested with BoundedLog.
      if (first !== undefined && first.offset >= this.stage.core.log.start && single) {
        expected = { seq, ...(first.counts ?? { delivered: -1, lagging: -1 }), duplicate: true };
        continue;
      }
      if (first !== undefined && !single) {
        // Whether the first is still there when this one comes cannot be told from outside.
        encoded[index] = { ...push, idempotencyKey: "" };
      }
      const known = this.#publish(manager.epoch, seq, push);
      const counts = this.#count(known);
      expected = { seq, ...counts, duplicate: false };
      if (push.ephemeral) continue;
      if (encoded[index]?.idempotencyKey) {
        this.#keys.set(encoded[index].idempotencyKey ?? "", {
          offset: this.#logEnd,
          counts: single ? counts : undefined,
        });
      }
      this.#logEnd += 1;
    }
    const message = manager.message(...encoded);
    this.#lastMessages.set(manager, message);
    const outcomes = intake.take(manager.epoch, message, 0);
    if (single && expected !== undefined && expected.delivered >= 0) {
      const said = expected.duplicate || expected.delivered + expected.lagging > 0;
      same("outcomes", outcomes, said ? [expected] : []);
    }
    same("log end", this.stage.core.log.end, this.#logEnd);
  }

  #repeat(manager: FakeManager): void {
    const { intake, log } = this.stage.core;
    const message = this.#lastMessages.get(manager);
    const state = log.epochs.get(manager.epoch);
    if (message === undefined || state === undefined || state.goneAtMs !== undefined) return;
    same("outcomes of a repeat", intake.take(manager.epoch, message, 0), []);
    same("log end", log.end, this.#logEnd);
  }

  #batch(pushed: Pushed): void {
    if (pushed.kind !== "publication") return;
    const { text, ...push } = pushOf(pushed);
    const epoch = "00000000000000ff";
    const seq = this.#at + 1;
    const known = this.#publish(epoch, seq, { ...push, ephemeral: true });
    const expected = this.#count(known);
    const outcome = this.stage.core.intake.deliverOnly({
      epoch,
      seq,
      roomId: "",
      userIds: [],
      excludeUserIds: [],
      contentType: "",
      atMs: this.stage.clock.now(),
      content: Buffer.from(text ?? ""),
      ...push,
      idempotencyKey: "",
      ephemeral: true,
    });
    same("outcome", outcome, expected);
  }

  #publish(epoch: string, seq: number, push: Push): Known {
    const known: Known = {
      at: this.#next(),
      epoch,
      seq,
      roomId: push.roomId ?? "",
      userIds: push.userIds ?? [],
      excludeUserIds: push.excludeUserIds ?? [],
      ephemeral: push.ephemeral ?? false,
      lost: false,
      since: this.#moment,
      until: Number.POSITIVE_INFINITY,
    };
    this.#published.push(known);
    this.#unsettled.push(known);
    return known;
  }

  /** By a scan of all sessions. */
  #count({ roomId, userIds, excludeUserIds, ephemeral }: Known) {
    let delivered = 0;
    let lagging = 0;
    for (const { client, open, story } of this.#live()) {
      const { userId } = story;
      if (roomId !== "" && !open.has(roomId)) continue;
      if (userIds.length > 0 && !userIds.includes(userId)) continue;
      if (excludeUserIds.includes(userId)) continue;
      if (!isBehind(client, roomId === "" ? undefined : roomId)) delivered += 1;
      else if (!ephemeral) lagging += 1;
    }
    return { delivered, lagging };
  }

  #command(pushed: Exclude<Pushed, { kind: "publication" }>): void {
    for (const actor of this.#live()) {
      if (actor.story.userId !== userName(pushed.user)) continue;
      if (pushed.kind === "disconnect") {
        for (const room of [...actor.open.keys()]) this.#close(actor, room, "closed");
      } else if (pushed.kind === "leave") {
        this.#close(actor, roomName(pushed.room), "taken out");
      } else {
        this.#begin(actor, roomName(pushed.room));
      }
    }
  }

  #open({ user, proto, resumes }: Extract<Happening, { kind: "open" }>): void {
    this.#opened += 1;
    const userId = userName(user);
    const client = this.stage.open(userId, { codec: CODECS[proto ? "proto" : "json"], resumes });
    const story: Story = {
      name: `session ${this.#opened} of ${userId}`,
      userId,
      resumes,
      intervals: [],
      asked: [],
      behindAt: new Set(),
      selfBehindAt: new Set(),
      holes: 0,
    };
    const actor: Actor = { client, story, open: new Map() };
    this.#actors.push(actor);
    this.#begin(actor, undefined);
  }

  #end(actor: Actor): void {
    for (const room of [...actor.open.keys()]) this.#close(actor, room, "client");
    this.stage.core.sessions.ended(actor.client.session);
  }

  #join({ client, story, ...actor }: Actor, { room, back }: Extract<Happening, { kind: "join" }>) {
    const name = roomName(room);
    this.#begin({ client, story, ...actor }, name);
    if (back === undefined || !actor.open.has(name)) {
      client.send({ type: "join", room: name });
      return;
    }
    story.behindAt.add(this.#moment);
    client.send({ type: "join", room: name, ...this.#ask(story, name, back) });
  }

  /** A client goes on from where it stood some happenings ago. */
  #ask(story: Story, room: string | undefined, back: number) {
    const past = this.#pasts[Math.max(0, this.#pasts.length - 1 - back)] as Past;
    story.asked.push({ room, since: past.at, at: this.#next() });
    return { position: past.position, awayMs: this.stage.clock.monotonicMs() - past.atMs };
  }

  #link(manager: FakeManager, up: boolean): void {
    const { intake, log } = this.stage.core;
    if (!up) {
      intake.detach(manager.epoch);
      return;
    }
    // A manager that was gone for so long that it is forgotten has nothing left in its log.
    const isForgotten = log.epochs.get(manager.epoch) === undefined;
    if (isForgotten && manager.seq > 0) this.#hole(manager);
    intake.attach(manager.epoch, manager.seq);
  }

  #newManager(tail: number): void {
    const epoch = (0xc0 + this.#managers.length).toString(16).padStart(16, "0");
    const manager = new FakeManager(epoch, tail);
    this.#managers.push(manager);
    if (tail > 0) this.#hole(manager);
    this.stage.core.intake.attach(epoch, tail);
  }

  #hole({ epoch, seq }: FakeManager): void {
    for (const { story } of this.#live()) story.holes += 1;
    this.#published.push({
      at: this.#next(),
      epoch,
      seq,
      roomId: "",
      userIds: [],
      excludeUserIds: [],
      ephemeral: false,
      lost: true,
      since: this.#moment,
      until: this.#moment,
    });
  }

  #begin({ story, open }: Actor, room: string | undefined): void {
    if (open.has(room)) return;
    if (room !== undefined && open.size > MAX_ROOMS) return;
    const interval: Interval = {
      room,
      from: this.#next(),
      to: Number.POSITIVE_INFINITY,
      end: "open",
      endedAt: Number.POSITIVE_INFINITY,
      wasBehind: false,
    };
    open.set(room, interval);
    story.intervals.push(interval);
  }

  #close({ client, open }: Actor, room: string | undefined, end: IntervalEnd): void {
    const interval = open.get(room);
    if (interval === undefined) return;
    open.delete(room);
    interval.to = this.#next();
    interval.end = end;
    interval.endedAt = this.#moment;
    interval.wasBehind = isBehind(client, room);
  }

  #live(): Actor[] {
    return this.#actors.filter(({ open }) => open.has(undefined));
  }

  #withActor(index: number, act: (actor: Actor) => void): void {
    const live = this.#live();
    if (live.length > 0) act(pick(live, index));
  }

  /** Sees what the node decided by itself: who is behind, and whom it has closed. */
  #look(): void {
    for (const actor of this.#actors) {
      const { client, story, open } = actor;
      if (client.session.closed) {
        for (const room of [...open.keys()]) this.#close(actor, room, "closed");
        // The last flush may have found the socket full.
        if (client.session.lagging) {
          for (const interval of story.intervals) {
            if (interval.end === "closed" && interval.endedAt === this.#moment) {
              interval.wasBehind = true;
            }
          }
        }
      } else {
        const rooms = [...client.session.rooms.values()];
        if (client.session.lagging || rooms.some(({ behind }) => behind)) {
          story.behindAt.add(this.#moment);
        }
        if (client.session.self.behind) story.selfBehindAt.add(this.#moment);
      }
    }
  }

  #checkBounds(): void {
    const { log, hub } = this.stage.core;
    if (log.bytes > this.stage.settings.LOG_BYTES) throw new Error("the log is too large");
    const kept = this.#published.filter(({ ephemeral, lost }) => !ephemeral && !lost);
    same(
      "what does not hold of the log",
      [
        ...this.#headWatch.look(log.epochs),
        ...misshapenEpochs(log.epochs),
        ...lackingInLog(log.epochs, inLog(log), kept),
      ],
      [],
    );
    for (const room of hub.rooms.values()) {
      const behind = [...room.members.values()].filter((member) => member.behind).length;
      same("behind in a room", room.behind, behind);
    }
    const behind = this.#live().filter(({ client }) => client.session.self.behind).length;
    same("behind of all", hub.everyone.behind, behind);
  }

  #next(): number {
    this.#at += 1;
    return this.#at;
  }
}

function* inLog(log: NodeLog): IterableIterator<Publication> {
  for (let offset = log.start; offset < log.end; offset += 1) {
    const entry = log.at(offset);
    if (entry !== undefined) yield entry.publication;
  }
}

function isBehind({ session }: Client, room: string | undefined): boolean {
  const subscription = room === undefined ? session.self : session.rooms.get(room);
  return subscription?.behind ?? session.lagging;
}

function pushOf(pushed: Extract<Pushed, { kind: "publication" }>): Push {
  return {
    text: "x".repeat(pushed.bytes),
    roomId: pushed.room === undefined ? "" : roomName(pushed.room),
    userIds: pushed.users.map(userName),
    excludeUserIds: pushed.excluded.map(userName),
    ephemeral: pushed.ephemeral,
    // Ephemeral publications are not kept, and so their keys are not.
    idempotencyKey: pushed.key === undefined || pushed.ephemeral ? "" : `key-${pushed.key}`,
  };
}

function commandOf(pushed: Exclude<Pushed, { kind: "publication" }>): Command {
  const userId = userName(pushed.user);
  if (pushed.kind === "disconnect") {
    const value = { userId, code: 4410, reason: "", revokeIssuedBeforeMs: 0n };
    return { kind: { $case: "disconnect", value } };
  }
  return { kind: { $case: pushed.kind, value: { userId, roomId: roomName(pushed.room) } } };
}

function pick<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T;
}

function same(what: string, actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a}, and should be ${b}`);
}
