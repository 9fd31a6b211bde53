import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from "@grpc/grpc-js";
import {
  type ConnectNodeServiceServer,
  ConnectNodeServiceService,
  type DeliverRequest,
  DeliverResponse,
  type InspectRequest,
  InspectResponse,
  NodeHello,
  Outcome,
} from "@pushcast/api";
import { messageField } from "@pushcast/log";

type DeliverCall = ServerDuplexStream<DeliverRequest, DeliverResponse>;

/**
 * What a scripted node does with its streams; a test changes it at any time. To make one that reads
 * slowly, put a fault proxy before it.
 */
export interface NodeScript {
  /** False: messages are read but never acknowledged; heartbeats go on. */
  acknowledges: boolean;
  /** False: nothing is sent, not even heartbeats. */
  speaks: boolean;
  /** What happened to a publication; undefined: nobody matched. */
  outcome(seq: number): Partial<Outcome> | undefined;
  /** What Inspect answers; undefined: it never does. */
  inspect(request: InspectRequest): Partial<InspectResponse> | undefined;
  /** Encoded fields that each message has besides, also the hello and the outcomes. */
  laterFields: Buffer;
}

const HEARTBEAT_MS = 1000;

/**
 * The node's side of the Deliver protocol, over real gRPC, doing what a test says. What it has is
 * kept over `stop` and `start`, as if its memory were.
 */
export class ScriptedNode {
  readonly nodeId: string;
  readonly script: NodeScript = {
    acknowledges: true,
    speaks: true,
    outcome: () => ({ sessionsDelivered: 1 }),
    inspect: () => ({}),
    laterFields: Buffer.alloc(0),
  };
  /** Every message after the hello, on whichever stream. */
  readonly messages: DeliverRequest[] = [];
  /** The hello of each stream. */
  readonly hellos: NonNullable<DeliverRequest["hello"]>[] = [];
  /** What this node has of each epoch. */
  readonly heads = new Map<string, number>();
  readonly #waiting: { isDone: () => boolean; resolve: () => void }[] = [];
  readonly #calls = new Map<DeliverCall, string>();
  #server: Server | undefined;
  #heartbeats: NodeJS.Timeout | undefined;
  #port = 0;

  constructor(nodeId: string) {
    this.nodeId = nodeId;
  }

  get grpcAddress(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** The seqs of all publications that came, in the order in which they came. */
  get seqs(): number[] {
    return this.messages.flatMap(({ publications }) => publications.map(({ seq }) => Number(seq)));
  }

  /** Listens, on the same port each time. */
  async start(): Promise<void> {
    const server = new Server();
    const inspect: handleUnaryCall<InspectRequest, InspectResponse> = (call, callback) => {
      const answer = this.script.inspect(call.request);
      if (answer === undefined) return;
      callback(null, {
        nodeId: this.nodeId,
        sessions: 0,
        users: 0,
        rooms: 0,
        userRooms: [],
        sessionsLagging: 0,
        ...answer,
      });
    };
    const unused = () => {
      throw new Error("not scripted");
    };
    const service: ConnectNodeServiceServer = {
      deliver: (call) => this.#deliver(call),
      inspect,
      pushMessageBatch: unused,
      tail: unused,
      replicate: unused,
    };
    const { deliver, inspect: inspectMethod } = ConnectNodeServiceService;
    server.addService(
      {
        ...ConnectNodeServiceService,
        deliver: { ...deliver, responseSerialize: (response) => this.#encodeDeliver(response) },
        inspect: {
          ...inspectMethod,
          responseSerialize: (response) =>
            this.#withLaterFields(InspectResponse.encode(response).finish()),
        },
      },
      service,
    );
    this.#port = await new Promise((resolve, reject) => {
      server.bindAsync(
        `127.0.0.1:${this.#port}`,
        ServerCredentials.createInsecure(),
        (error, port) => (error === null ? resolve(port) : reject(error)),
      );
    });
    this.#server = server;
    this.#heartbeats = setInterval(() => {
      for (const [call, epoch] of this.#calls) {
        this.#send(call, { throughSeq: this.script.acknowledges ? this.#head(epoch) : 0 });
      }
    }, HEARTBEAT_MS);
  }

  /** Cuts every connection. */
  stop(): void {
    clearInterval(this.#heartbeats);
    this.#calls.clear();
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  /** Says closing on every stream. */
  sayClosing(): void {
    for (const [call, epoch] of this.#calls) {
      this.#send(call, { throughSeq: this.#head(epoch), closing: true });
    }
  }

  /** Acknowledges everything that has come, with these outcomes. */
  acknowledgeAll(outcomes: Outcome[] = []): void {
    for (const [call, epoch] of this.#calls) {
      this.#send(call, { throughSeq: this.#head(epoch), outcomes });
    }
  }

  /** Waits until what this node has seen makes it true. */
  until(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ isDone, resolve }));
  }

  #deliver(call: DeliverCall): void {
    call.on("data", (request: DeliverRequest) => {
      if (request.hello !== undefined) this.#greet(call, request.hello);
      else this.#take(call, request);
      this.#look();
    });
    call.on("end", () => {
      this.#calls.delete(call);
      call.end();
      this.#look();
    });
    call.on("cancelled", () => {
      this.#calls.delete(call);
      this.#look();
    });
    call.on("error", () => this.#calls.delete(call));
  }

  #greet(call: DeliverCall, hello: NonNullable<DeliverRequest["hello"]>): void {
    this.hellos.push(hello);
    this.#calls.set(call, hello.epoch);
    const knowsEpoch = this.heads.has(hello.epoch);
    if (!knowsEpoch) this.heads.set(hello.epoch, Number(hello.tailSeq));
    this.#send(call, {
      hello: {
        nodeId: this.nodeId,
        version: "scripted",
        haveSeq: BigInt(knowsEpoch ? this.#head(hello.epoch) : 0),
        knowsEpoch,
      },
    });
  }

  #take(call: DeliverCall, request: DeliverRequest): void {
    const epoch = this.#calls.get(call);
    if (epoch === undefined) {
      call.emit("error", { code: status.FAILED_PRECONDITION, details: "no hello" });
      return;
    }
    this.messages.push(request);
    const throughSeq = Number(request.throughSeq);
    if (throughSeq > this.#head(epoch)) this.heads.set(epoch, throughSeq);
    const isNews = request.throughSeq > request.afterSeq || request.final;
    if (!isNews || !this.script.acknowledges) return;
    const outcomes = request.publications.flatMap(({ seq }) => {
      const outcome = this.script.outcome(Number(seq));
      if (outcome === undefined) return [];
      return [{ seq, sessionsDelivered: 0, sessionsLagging: 0, duplicate: false, ...outcome }];
    });
    this.#send(call, { throughSeq, outcomes });
  }

  #head(epoch: string): number {
    return this.heads.get(epoch) ?? 0;
  }

  #send(
    call: DeliverCall,
    response: Partial<Omit<DeliverResponse, "throughSeq">> & { throughSeq?: number },
  ): void {
    if (!this.script.speaks) return;
    call.write({
      hello: undefined,
      outcomes: [],
      closing: false,
      ...response,
      throughSeq: BigInt(response.throughSeq ?? 0),
    });
  }

  #encodeDeliver({ hello, outcomes, ...rest }: DeliverResponse): Buffer {
    const part = (fieldNumber: number, message: Uint8Array) =>
      messageField(fieldNumber, this.#withLaterFields(message));
    return this.#withLaterFields(
      DeliverResponse.encode({ ...rest, hello: undefined, outcomes: [] }).finish(),
      ...(hello === undefined ? [] : [part(1, NodeHello.encode(hello).finish())]),
      ...outcomes.map((outcome) => part(3, Outcome.encode(outcome).finish())),
    );
  }

  #withLaterFields(...fields: readonly Uint8Array[]): Buffer {
    return Buffer.concat([...fields, this.script.laterFields]);
  }

  #look(): void {
    for (const waiting of [...this.#waiting]) {
      if (!waiting.isDone()) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.resolve();
    }
  }
}
