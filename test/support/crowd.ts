import {
  BroadcastMessageRequest,
  type DeliveryReport,
  PushToRoomRequest,
  type StreamPush,
} from "@pushcast/api";
import type { ManagerClient } from "./manager-client.ts";
import type { RunningNode } from "./processes.ts";
import type { Stage } from "./stage.ts";
import { type TestClient, textOf } from "./ws-client.ts";

const OPENED_AT_ONCE = 100;
const ROOMS = Array.from({ length: 10 }, (_, n) => `room-${n}`);
const BROADCASTS_A_ROUND = 2;
/** Only members that stall are in it, so that the others need not read all that fills a socket. */
export const FLOODED = "flooded";
const FLOOD_CONTENT_BYTES = 15 * 1024;
const PUSHES_A_MESSAGE = 16;

/** A room, or undefined for *self*. */
export type SubscribedTo = string | undefined;

/** A client and what it subscribed to. */
export interface Member {
  readonly client: TestClient;
  readonly subscriptions: readonly SubscribedTo[];
}

/**
 * Many clients of one node: live ones, and as many in the same rooms that stop reading. Pushes are
 * numbered for each subscription: their contents begin with `<n>:`.
 */
export class Crowd {
  readonly live: Member[] = [];
  readonly stalled: Member[] = [];
  readonly #stage: Stage;
  readonly #node: RunningNode;
  readonly #publisher: ManagerClient;
  #rounds = 0;
  #floods = 0;

  constructor(stage: Stage, node: RunningNode, publisher: ManagerClient) {
    this.#stage = stage;
    this.#node = node;
    this.#publisher = publisher;
  }

  /** Clients that read, each in one of ten rooms. */
  async openLive(count: number): Promise<void> {
    this.live.push(...(await this.#open("live", count, (n) => [roomOf(n)])));
  }

  /**
   * Clients that do not read from now on, in the same rooms and in one that is flooded.
   * @param inAllRooms how many of them, the first, are in every room
   */
  async openStalled(count: number, inAllRooms: number): Promise<void> {
    const roomsOf = (n: number) => [...(n < inAllRooms ? ROOMS : [roomOf(n)]), FLOODED];
    this.stalled.push(...(await this.#open("stalled", count, roomsOf)));
    for (const { client } of this.stalled) client.pause();
  }

  /** A dozen pushes: one to each room, then two to all. Resolves when the live ones have them all. */
  async round(): Promise<DeliveryReport[]> {
    const pushes = ROOMS.map((roomId) => toRoom(roomId, `${this.#rounds}:`));
    for (let n = 0; n < BROADCASTS_A_ROUND; n += 1) {
      pushes.push(toAll(`${this.#rounds * BROADCASTS_A_ROUND + n}:`));
    }
    this.#rounds += 1;
    const reports = await this.#push(pushes);
    await Promise.all(this.live.map((member) => this.untilUpToDate(member)));
    return reports;
  }

  /** Pushes to those that stall, and at the same time a round to all. Gives the reports of the former. */
  async flood(bytes: number): Promise<DeliveryReport[]> {
    const pushes: StreamPush["push"][] = [];
    for (let done = 0; done < bytes; done += FLOOD_CONTENT_BYTES) {
      pushes.push(toRoom(FLOODED, `${this.#floods}:`.padEnd(FLOOD_CONTENT_BYTES, "x")));
      this.#floods += 1;
    }
    const [reports] = await Promise.all([this.#push(pushes), this.round()]);
    return reports;
  }

  /** Resolves when a member has had the last push of each of its subscriptions. */
  async untilUpToDate({ client, subscriptions }: Member): Promise<void> {
    await client.until("the last push of each subscription", () =>
      subscriptions.every((subscribed) => {
        const last = client.messages.findLast(({ room }) => room === subscribed);
        return last !== undefined && numberOf(last) === this.pushed(subscribed) - 1;
      }),
    );
  }

  /** How many publications there were for a subscription. */
  pushed(subscribed: SubscribedTo): number {
    if (subscribed === undefined) return this.#rounds * BROADCASTS_A_ROUND;
    return subscribed === FLOODED ? this.#floods : this.#rounds;
  }

  async #open(
    kind: string,
    count: number,
    roomsOf: (n: number) => readonly string[],
  ): Promise<Member[]> {
    const members: Member[] = [];
    while (members.length < count) {
      const openOne = async (n: number): Promise<Member> => {
        const client = await this.#stage.client(this.#node, { userId: `${kind}-${n}` });
        const rooms = roomsOf(n);
        await client.joinAll(rooms);
        return { client, subscriptions: [undefined, ...rooms] };
      };
      const some = Math.min(OPENED_AT_ONCE, count - members.length);
      const first = members.length;
      members.push(
        ...(await Promise.all(Array.from({ length: some }, (_, n) => openOne(first + n)))),
      );
    }
    return members;
  }

  async #push(pushes: readonly StreamPush["push"][]): Promise<DeliveryReport[]> {
    const numbered = pushes.map((push, n) => ({ requestId: String(n), push }));
    const results = await this.#publisher.pushStream(numbered, PUSHES_A_MESSAGE);
    return results.map(({ report, error }) => {
      if (report === undefined) throw new Error(error);
      return report;
    });
  }
}

/** The numbers of a subscription's messages up to its client's first gap, and of those behind it. */
export function numbersAroundGap(
  client: TestClient,
  subscribed: SubscribedTo,
): { before: number[]; behind: number[] } {
  const before: number[] = [];
  const behind: number[] = [];
  let numbers = before;
  for (const frame of client.frames) {
    if (frame.type === "gap") numbers = behind;
    if (frame.type === "message" && frame.room === subscribed) numbers.push(numberOf(frame));
  }
  return { before, behind };
}

function numberOf(message: TestClient["messages"][number]): number {
  return Number(textOf(message).split(":", 1)[0]);
}

function roomOf(n: number): string {
  return ROOMS[n % ROOMS.length] as string;
}

function toRoom(roomId: string, text: string): StreamPush["push"] {
  const value = PushToRoomRequest.fromPartial({ roomId, content: Buffer.from(text) });
  return { $case: "pushToRoom", value };
}

function toAll(text: string): StreamPush["push"] {
  const value = BroadcastMessageRequest.fromPartial({ content: Buffer.from(text) });
  return { $case: "broadcastMessage", value };
}
