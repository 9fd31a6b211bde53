import { Server, ServerCredentials, type ServerWritableStream, status } from "@grpc/grpc-js";
import {
  ConnectNodeServiceService,
  type EpochState,
  Publication,
  type ReplicateRequest,
  type ReplicateResponse,
} from "@pushcast/api";

type ReplicateCall = ServerWritableStream<ReplicateRequest, ReplicateResponse>;

/** How the answer to a `Replicate` call goes on after its publications. */
export type PeerEnding = "done" | "breaks off" | "hangs" | "unimplemented";

/** A peer of a connect-node whose log is a room's publications of one epoch, and whose answers may fail. */
export class ScriptedPeer {
  ending: PeerEnding = "done";
  /** How the first answers end; `ending` is that of those that follow. */
  firstEndings: PeerEnding[] = [];
  readonly requests: ReplicateRequest[] = [];
  readonly #epoch: string;
  readonly #headSeq: number;
  readonly #server = new Server();
  #address = "";

  /** @param headSeq that the table says; publications come as far as `send` says. */
  constructor(epoch: string, headSeq: number) {
    this.#epoch = epoch;
    this.#headSeq = headSeq;
    const { replicate } = ConnectNodeServiceService;
    this.#server.addService(
      { replicate },
      { replicate: (call: ReplicateCall) => this.#answer(call) },
    );
  }

  get grpcAddress(): string {
    return this.#address;
  }

  async start(): Promise<void> {
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    this.#address = `127.0.0.1:${port}`;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  /** All of its publications but the last, and that too if nothing fails. */
  #answer(call: ReplicateCall): void {
    call.on("error", () => {});
    this.requests.push(call.request);
    const ending = this.firstEndings.shift() ?? this.ending;
    if (ending === "unimplemented") {
      call.emit("error", { code: status.UNIMPLEMENTED, details: "an older version" });
      return;
    }
    const after = Number(call.request.after.find(({ epoch }) => epoch === this.#epoch)?.seq ?? 0n);
    const through = ending === "done" ? this.#headSeq : this.#headSeq - 1;
    call.write(this.#message(after, through, ending === "done"));
    if (ending === "breaks off") {
      call.emit("error", { code: status.UNAVAILABLE, details: "broken off" });
    } else if (ending === "done") {
      call.end();
    }
  }

  #message(after: number, through: number, done: boolean): ReplicateResponse {
    const state: EpochState = {
      epoch: this.#epoch,
      tailSeq: 0n,
      headSeq: BigInt(this.#headSeq),
      holes: [],
      live: false,
      goneMs: 0n,
    };
    const publications: Publication[] = [];
    for (let seq = after + 1; seq <= through; seq += 1) {
      const content = Buffer.from(`${seq}`);
      publications.push(
        Publication.fromPartial({ epoch: this.#epoch, seq: BigInt(seq), roomId: "room", content }),
      );
    }
    return { epochs: [state], publications, done, logAgeMs: 3_600_000n, revocations: [] };
  }
}
