import type { Message } from "../../packages/client/src/index.ts";
import type { Frame, Tap } from "./client-socket.ts";
import type { Cluster } from "./cluster.ts";

type Seqs = Record<string, number>;

/** What one subscription of a client must have, and has had: against the naive truth. */
export class FeedHistory {
  readonly #cluster: Cluster;
  readonly #user: string;
  readonly #room: string | undefined;
  /** What was pushed before then is not missed: the client has loaded its state anew. */
  #completeFromMs: number;
  readonly #received = new Set<string>();
  readonly #last = new Map<string, number>();

  constructor(cluster: Cluster, user: string, room: string | undefined) {
    this.#cluster = cluster;
    this.#user = user;
    this.#room = room;
    this.#completeFromMs = cluster.nowMs;
  }

  get received(): string[] {
    return [...this.#received];
  }

  loadsStateAnew(): void {
    this.#checkOvertaken();
    this.#completeFromMs = this.#cluster.nowMs;
  }

  message({ id, content, room, ephemeral }: Message): void {
    const where = `${this.#user} in ${this.#room ?? "self"}`;
    const pushed = this.#cluster.biz.byContent.get(String(content));
    if (pushed === undefined || room !== this.#room || !pushed.isFor(this.#user, room)) {
      this.#cluster.violated(`${where} got ${id}, which is not for it`);
      return;
    }
    // No position knows it: after a move it may come again.
    if (ephemeral) return;
    if (this.#received.has(pushed.content)) {
      this.#cluster.violated(`${where} got ${pushed.describe()} twice, now as ${id}`);
    }
    this.#received.add(pushed.content);
    const [epoch, seq] = partsOf(id);
    const last = this.#last.get(epoch) ?? 0;
    if (seq <= last) this.#cluster.violated(`${where} got ${id} after seq ${last}`);
    this.#last.set(epoch, seq);
  }

  /** Everything has had its time: is anything lost that was promised? */
  checkComplete(): void {
    this.#checkOvertaken();
    for (const pushed of this.#cluster.biz.pushed) {
      if (pushed.calledAtMs <= this.#completeFromMs || this.#received.has(pushed.content)) continue;
      if (!pushed.isFor(this.#user, this.#room) || !pushed.isPromised) continue;
      this.#cluster.violated(
        `${this.#user} in ${this.#room ?? "self"} has lost ${pushed.describe()}`,
      );
    }
  }

  /** What should have come before a message of its epoch that is here is lost, whatever is said later. */
  #checkOvertaken(): void {
    for (const pushed of this.#cluster.biz.pushed) {
      if (pushed.calledAtMs <= this.#completeFromMs || this.#received.has(pushed.content)) continue;
      if (!pushed.isFor(this.#user, this.#room)) continue;
      for (const { epoch, seq } of pushed.keptPlaces) {
        if (seq >= (this.#last.get(epoch) ?? 0)) continue;
        this.#cluster.violated(
          `${this.#user} in ${this.#room ?? "self"} went on without ${pushed.describe()}`,
        );
      }
    }
  }
}

function partsOf(id: string): [string, number] {
  const [epoch = "", seq] = id.split("-");
  return [epoch, Number(seq)];
}

const SELF = "";

/** What the contract says of one connection, by the frames on it. */
export class ConnectionCheck implements Tap {
  readonly #cluster: Cluster;
  readonly #user: string;
  readonly #resumes: boolean;
  /** For each subscription that was answered: at or below it nothing may follow. */
  readonly #floors = new Map<string, Map<string, number>>();
  readonly #ephemeral = new Set<unknown>();
  readonly #claims = new Map<unknown, Seqs>();

  constructor(cluster: Cluster, user: string, resumes: boolean) {
    this.#cluster = cluster;
    this.#user = user;
    this.#resumes = resumes;
  }

  sent(frame: Frame): void {
    if (frame.position !== undefined) this.#claims.set(frame.id, frame.position as Seqs);
  }

  received(frame: Frame): void {
    const position = (frame.position ?? {}) as Seqs;
    const room = (frame.room ?? SELF) as string;
    switch (frame.type) {
      case "welcome":
        if (!this.#resumes) this.#answered(SELF, position);
        break;
      case "joined":
      case "resumed":
        this.#answered(room, frame.recovered === undefined ? position : {});
        if (frame.recovered !== undefined) this.#judged(frame, position);
        break;
      case "left":
        this.#floors.delete(room);
        break;
      case "position":
        for (const floor of this.#floors.values()) raise(floor, position);
        break;
      case "gap":
        for (const [scope, floor] of this.#floors) {
          if (frame.scope === "all" || scope === room) raise(floor, position);
        }
        break;
      case "message":
        this.#message(frame, room);
        break;
    }
    if (Object.keys(position).length > 100) this.#violated("a position of more than 100 entries");
  }

  #answered(scope: string, floor: Seqs): void {
    this.#floors.set(scope, new Map(Object.entries(floor)));
  }

  #judged(frame: Frame, position: Seqs): void {
    this.#cluster.resumes[frame.recovered === true ? "recovered" : "refused"] += 1;
    const claim = this.#claims.get(frame.id) ?? {};
    const isFull = Object.keys(position).length === 100;
    for (const [epoch, seq] of Object.entries(claim)) {
      if (frame.recovered === false && isFull && !(epoch in position)) continue;
      const answered = position[epoch] ?? 0;
      if (frame.recovered === true ? answered !== seq : answered < seq) {
        this.#violated(
          `claimed ${JSON.stringify(claim)} and was answered ${JSON.stringify(frame)}`,
        );
      }
    }
  }

  #message(frame: Frame, room: string): void {
    this.#cluster.messages += 1;
    const floor = this.#floors.get(room);
    if (floor === undefined) {
      if (room !== SELF) this.#violated(`got ${frame.id} of ${room}, in which it is not`);
      return;
    }
    const [epoch, seq] = partsOf(frame.id as string);
    if (frame.ephemeral === true) {
      if (this.#ephemeral.has(frame.id)) this.#violated(`got the ephemeral ${frame.id} twice`);
      this.#ephemeral.add(frame.id);
      return;
    }
    if (seq <= (floor.get(epoch) ?? 0)) {
      this.#violated(`got ${frame.id} of ${room || "self"} after the position ${floor.get(epoch)}`);
    }
    raise(floor, { [epoch]: seq });
  }

  #violated(problem: string): void {
    this.#cluster.violated(`a connection of ${this.#user}: ${problem}`);
  }
}

function raise(floor: Map<string, number>, position: Seqs): void {
  for (const [epoch, seq] of Object.entries(position)) {
    floor.set(epoch, Math.max(seq, floor.get(epoch) ?? 0));
  }
}
