import { clientCodec, JSON_SUBPROTOCOL, type ServerFrame } from "@pushcast/wire";
import { WebSocket } from "ws";
import { answerParent } from "./child.ts";
import { readContent } from "./latency-content.ts";
import type { ClientsReply, ClientsRequest, PlannedSession } from "./latency-types.ts";

const codec = clientCodec(JSON_SUBPROTOCOL);
const NS_PER_MS = 1e6;

const latenciesMs: number[] = [];
const sessions: Session[] = [];

/** One client in one room. */
class Session {
  readonly seen = new Set<number>();
  repeats = 0;
  outOfOrder = 0;
  #latestSeq = 0;

  /** Resolves when it is in its room. */
  async open({ url, userId, roomId }: PlannedSession): Promise<void> {
    const ws = new WebSocket(`${url}?user_id=${userId}`, [JSON_SUBPROTOCOL]);
    await new Promise<void>((resolve, reject) => {
      ws.on("error", reject);
      ws.on("close", (code) => reject(new Error(`${userId} was closed with ${code}`)));
      ws.on("open", () => ws.send(codec.encode({ type: "join", room: roomId }).toString()));
      ws.on("message", (data: Buffer, isBinary: boolean) => {
        const receivedNs = process.hrtime.bigint();
        const decoded = codec.decode(data, isBinary);
        if (!decoded.ok) throw new Error(decoded.problem);
        if (decoded.frame.type === "joined") resolve();
        this.#receive(decoded.frame, receivedNs);
      });
    });
  }

  #receive(frame: ServerFrame, receivedNs: bigint): void {
    if (frame.type !== "message") return;
    const content = readContent(frame.content);
    if (content === undefined) return;
    latenciesMs.push(Number(receivedNs - content.sentNs) / NS_PER_MS);
    // The order in which the manager accepted them: unary calls of a publisher have none.
    const seq = Number(frame.id.split("-")[1]);
    if (this.seen.has(content.n)) this.repeats += 1;
    else if (seq < this.#latestSeq) this.outOfOrder += 1;
    this.seen.add(content.n);
    this.#latestSeq = Math.max(this.#latestSeq, seq);
  }
}

answerParent<ClientsRequest>(async (request): Promise<ClientsReply> => {
  switch (request.type) {
    case "open":
      sessions.push(...request.sessions.map(() => new Session()));
      await Promise.all(request.sessions.map((planned, n) => sessions[n]?.open(planned)));
      return sessions.length;
    case "count":
      return latenciesMs.length;
    case "report":
      return {
        latenciesMs: Float64Array.from(latenciesMs),
        distinct: sessions.map(({ seen }) => seen.size),
        repeats: sessions.reduce((sum, session) => sum + session.repeats, 0),
        outOfOrder: sessions.reduce((sum, session) => sum + session.outOfOrder, 0),
      };
  }
});
