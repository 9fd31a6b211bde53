import {
  Client,
  type ClientDuplexStream,
  credentials,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import {
  ConnectNodeServiceService,
  DeliverRequest,
  type DeliverResponse,
  ManagerHello,
  type Outcome,
  Publication,
} from "@pushcast/api";
import { messageField } from "@pushcast/log";

/** What a test says of a publication; the rest has a default. */
export type Scripted = Partial<Omit<Publication, "epoch" | "seq" | "content">> & {
  readonly content: string | Buffer;
};

export interface ScriptedManagerOptions {
  /** Of its last publication, and of its log's tail. @default 0 */
  readonly seq?: number;
  /** Encoded fields that each message has besides, also the hello and the publications. @default none */
  readonly laterFields?: Buffer;
}

/**
 * A push-manager's end of one Deliver stream, over real gRPC. It has no heartbeats: its node needs a
 * clock that stands still, or is to find it silent.
 */
export class ScriptedManager {
  readonly epoch: string;
  readonly responses: DeliverResponse[] = [];
  /** How the node ended the stream. */
  readonly ended: Promise<Pick<StatusObject, "code" | "details">>;
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Buffer, DeliverResponse>;
  readonly #waiting = new Set<() => void>();
  readonly #laterFields: Buffer;
  #seq: number;

  private constructor(grpcAddress: string, epoch: string, options: ScriptedManagerOptions) {
    this.epoch = epoch;
    this.#seq = options.seq ?? 0;
    this.#laterFields = options.laterFields ?? Buffer.alloc(0);
    this.#client = new Client(grpcAddress, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    const { path, responseDeserialize } = ConnectNodeServiceService.deliver;
    const bytes = (message: Buffer) => message;
    this.#stream = this.#client.makeBidiStreamRequest(path, bytes, responseDeserialize);
    this.#stream.on("data", (response: DeliverResponse) => {
      this.responses.push(response);
      for (const look of this.#waiting) look();
    });
    // Its status says the same.
    this.#stream.on("error", () => {});
    this.ended = new Promise((resolve) => {
      this.#stream.on("status", ({ code, details }) => resolve({ code, details }));
    });
  }

  /** Resolves with the node's hello. */
  static async attach(
    grpcAddress: string,
    epoch: string,
    options: ScriptedManagerOptions = {},
  ): Promise<ScriptedManager> {
    const manager = new ScriptedManager(grpcAddress, epoch, options);
    const seq = BigInt(manager.#seq);
    const hello = ManagerHello.fromPartial({
      epoch,
      managerId: "scripted",
      version: "1.0.0",
      tailSeq: seq,
      headSeq: seq,
    });
    manager.#send(manager.#part(1, ManagerHello.encode(hello).finish()));
    await manager.#until(() => manager.responses[0]?.hello !== undefined);
    return manager;
  }

  /** One message with these publications. Resolves with their outcomes, once it is acknowledged. */
  async push(...publications: readonly Scripted[]): Promise<Outcome[]> {
    const afterSeq = BigInt(this.#seq);
    const numbered = publications.map(({ content, ...rest }) => {
      this.#seq += 1;
      const seq = BigInt(this.#seq);
      return Publication.fromPartial({
        ...rest,
        content: Buffer.from(content),
        epoch: this.epoch,
        seq,
        atMs: BigInt(Date.now()),
      });
    });
    const throughSeq = BigInt(this.#seq);
    this.#send(
      DeliverRequest.encode(DeliverRequest.fromPartial({ afterSeq, throughSeq })).finish(),
      ...numbered.map((publication) => this.#part(4, Publication.encode(publication).finish())),
    );
    await this.#until(() => this.responses.some((response) => response.throughSeq >= throughSeq));
    return this.responses
      .flatMap(({ outcomes }) => outcomes)
      .filter(({ seq }) => seq > afterSeq && seq <= throughSeq);
  }

  write(message: Buffer): void {
    this.#stream.write(message);
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }

  /** A message within a DeliverRequest. */
  #part(fieldNumber: number, message: Uint8Array): Buffer {
    return messageField(fieldNumber, Buffer.concat([message, this.#laterFields]));
  }

  /** The fields of one DeliverRequest. */
  #send(...fields: readonly Uint8Array[]): void {
    this.write(Buffer.concat([...fields, this.#laterFields]));
  }

  async #until(isDone: () => boolean): Promise<void> {
    let look = () => {};
    const done = new Promise<void>((resolve) => {
      look = () => {
        if (isDone()) resolve();
      };
      this.#waiting.add(look);
      look();
    });
    const ended = this.ended.then(({ code, details }) => {
      throw new Error(`the node ended the stream: ${status[code]} ${details}`);
    });
    try {
      await Promise.race([done, ended]);
    } finally {
      this.#waiting.delete(look);
    }
  }
}
