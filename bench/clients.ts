import { clientCodec, JSON_SUBPROTOCOL, type ServerFrame } from "@pushcast/wire";
import { WebSocket } from "ws";
import { answerParent } from "../test/support/child.ts";
import { readContent } from "./content.ts";
import type { ClientsReply, ClientsRequest, PlannedSession } from "./messages.ts";

const codec = clientCodec(JSON_SUBPROTOCOL);
const NS_PER_MS = 1e6;
const OPENED_AT_ONCE = 100;

const latenciesMs: number[] = [];
const sentAtMs: number[] = [];
const sessions: Session[] = [];

/** One client. */
class Session {
  readonly seen = new Set<number>();
  repeats = 0;
  outOfOrder = 0;
  #latestSeq = 0;

  /** Resolves when it is in its rooms. */
  async open({ url, userId, roomIds, stalls }: PlannedSession): Promise<void> {
    const ws = new WebSocket(`${url}?user_id=${userId}`, [JSON_SUBPROTOCOL]);
    let joined = 0;
    await new Promise<void>((resolve, reject) => {
      ws.on("error", reject);
      ws.on("close", (code) => reject(new Error(`${userId} was closed with ${code}`)));
      ws.on("open", () => {
        for (const room of roomIds) ws.send(codec.encode({ type: "join", room }).toString());
      });
      ws.on("message", (data: Buffer, isBinary: boolean) => {
        const receivedNs = process.hrtime.bigint();
        const decoded = codec.decode(data, isBinary);
        if (!decoded.ok) throw new Error(decoded.problem);
        if (decoded.frame.type === "joined") {
          joined += 1;
          if (joined === roomIds.length) resolve();
        }
        this.#receive(decoded.frame, receivedNs);
      });
    });
    if (stalls) ws.pause();
  }

  #receive(frame: ServerFrame, receivedNs: bigint): void {
    if (frame.type !== "message") return;
    const content = readContent(frame.content);
    if (content === undefined) return;
    latenciesMs.push(Number(receivedNs - content.sentNs) / NS_PER_MS);
    sentAtMs.push(Number(content.sentNs) / NS_PER_MS);
    // The order in which the manager accepted them: unary calls of a publisher have none.
    const seq = Number(frame.id.split("-")[1]);
    if (this.seen.has(content.n)) this.repeats += 1;
    else if (seq < this.#latestSeq) this.outOfOrder += 1;
    this.seen.add(content.n);
    this.#latestSeq = Math.max(this.#latestSeq, seq);
  }
}

async function open(planned: readonly PlannedSession[]): Promise<void> {
  for (let from = 0; from < planned.length; from += OPENED_AT_ONCE) {
    const some = planned.slice(from, from + OPENED_AT_ONCE).map(async (plan) => {
      const session = new Session();
      sessions.push(session);
      await session.open(plan);
    });
    await Promise.all(some);
  }
}

answerParent<ClientsRequest>(async (request): Promise<ClientsReply> => {
  switch (request.type) {
    case "open":
      await open(request.sessions);
      return sessions.length;
    case "count":
      return latenciesMs.length;
    case "report":
      return {
        latenciesMs: Float64Array.from(latenciesMs),
        sentAtMs: Float64Array.from(sentAtMs),
        distinct: sessions.map(({ seen }) => seen.size),
        repeats: sessions.reduce((sum, session) => sum + session.repeats, 0),
        outOfOrder: sessions.reduce((sum, session) => sum + session.outOfOrder, 0),
      };
  }
});
