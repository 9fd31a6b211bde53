import {
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import {
  BroadcastMessageRequest,
  ConnectNodeServiceClient,
  ConnectNodeServiceService,
  type DeliverRequest,
  type DeliverResponse,
  type DeliveryReport,
  type DisconnectUserResponse,
  type GetRoomResponse,
  type GetUserResponse,
  InspectRequest,
  type InspectResponse,
  type JoinRoomResponse,
  type LeaveRoomResponse,
  type ListNodesResponse,
  PushManagerServiceClient,
  PushManagerServiceService,
  PushMessageBatchRequest,
  type PushMessageBatchResponse,
  type PushStreamRequest,
  type PushStreamResponse,
  PushToRoomRequest,
  PushToUserRequest,
  ReplicateRequest,
  type ReplicateResponse,
  type StreamPush,
  type StreamResult,
  type TailResponse,
} from "@pushcast/api";
import { until } from "./until.ts";

/** A request of which only what differs from the default is given; content may be text. */
export type Given<Request> = Partial<Omit<Request, "content">> & {
  readonly content?: string | Buffer;
};

export interface Pushed {
  readonly messageId: string;
  readonly report: DeliveryReport;
}

export interface CallOptions {
  /** From now. @default 15000 */
  readonly deadlineMs?: number;
  /** @default none */
  readonly metadata?: Metadata;
}

const DEFAULT_DEADLINE_MS = 15_000;

export interface ManagerClientOptions {
  /** @default plain text */
  readonly credentials?: ChannelCredentials;
  /** Sent as a bearer token. @default none */
  readonly token?: string;
  /** Sent with each call, as a W3C trace context. @default none */
  readonly traceparent?: string;
}

/** What a biz-server does with a push-manager. */
export class ManagerClient {
  readonly #client: PushManagerServiceClient;
  readonly #metadata = new Metadata();

  /** @param address `host:port` */
  constructor(address: string, options: ManagerClientOptions = {}) {
    if (options.token !== undefined) {
      this.#metadata.set("authorization", `Bearer ${options.token}`);
    }
    if (options.traceparent !== undefined) this.#metadata.set("traceparent", options.traceparent);
    const secure = options.credentials ?? credentials.createInsecure();
    this.#client = new PushManagerServiceClient(address, secure, {
      // Each is a publisher of its own, as in another process.
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  async pushToRoom(given: Given<PushToRoomRequest>, options?: CallOptions): Promise<Pushed> {
    const request = PushToRoomRequest.fromPartial(withBytes(given));
    return pushed(await this.#unary(PushManagerServiceService.pushToRoom, request, options));
  }

  async pushToUser(given: Given<PushToUserRequest>, options?: CallOptions): Promise<Pushed> {
    const request = PushToUserRequest.fromPartial(withBytes(given));
    return pushed(await this.#unary(PushManagerServiceService.pushToUser, request, options));
  }

  async broadcast(given: Given<BroadcastMessageRequest>, options?: CallOptions): Promise<Pushed> {
    const request = BroadcastMessageRequest.fromPartial(withBytes(given));
    return pushed(await this.#unary(PushManagerServiceService.broadcastMessage, request, options));
  }

  joinRoom(userId: string, roomId: string): Promise<JoinRoomResponse> {
    return this.#unary(PushManagerServiceService.joinRoom, { userId, roomId });
  }

  leaveRoom(userId: string, roomId: string): Promise<LeaveRoomResponse> {
    return this.#unary(PushManagerServiceService.leaveRoom, { userId, roomId });
  }

  disconnectUser(
    userId: string,
    code = 0,
    reason = "",
    revokeTokens = false,
  ): Promise<DisconnectUserResponse> {
    const request = { userId, code, reason, revokeTokens };
    return this.#unary(PushManagerServiceService.disconnectUser, request);
  }

  getRoom(roomId: string): Promise<GetRoomResponse> {
    return this.#unary(PushManagerServiceService.getRoom, { roomId });
  }

  getUser(userId: string): Promise<GetUserResponse> {
    return this.#unary(PushManagerServiceService.getUser, { userId });
  }

  listNodes(): Promise<ListNodesResponse> {
    return this.#unary(PushManagerServiceService.listNodes, {});
  }

  /** Waits until it knows just these nodes, with live links. */
  async untilLinked(nodeIds: readonly string[], timeoutMs = 15_000): Promise<void> {
    const wanted = [...nodeIds].sort().join();
    const isLinked = async () => {
      const { nodes } = await this.listNodes();
      const live = nodes.filter(({ link }) => link === "live").map(({ nodeId }) => nodeId);
      return nodes.length === nodeIds.length && live.sort().join() === wanted;
    };
    await until(`live links to ${wanted}`, isLinked, timeoutMs);
  }

  openPushStream(): ClientDuplexStream<PushStreamRequest, PushStreamResponse> {
    return this.#client.pushStream(this.#metadata);
  }

  /**
   * Sends pushes on one PushStream, many a message, and gives all results when the server has ended
   * the stream.
   */
  pushStream(pushes: readonly StreamPush[], pushesPerMessage: number): Promise<StreamResult[]> {
    return new Promise((resolve, reject) => {
      const results: StreamResult[] = [];
      const stream = this.#client.pushStream(this.#metadata);
      stream.on("data", (response: { results: StreamResult[] }) => {
        results.push(...response.results);
      });
      stream.on("error", (error) => reject(Object.assign(error, { results })));
      stream.on("end", () => resolve(results));
      const messages: { pushes: StreamPush[] }[] = [];
      for (let from = 0; from < pushes.length; from += pushesPerMessage) {
        messages.push({ pushes: pushes.slice(from, from + pushesPerMessage) });
      }
      const write = () => {
        for (let next = messages.shift(); next !== undefined; next = messages.shift()) {
          if (!stream.write(next)) {
            stream.once("drain", write);
            return;
          }
        }
        stream.end();
      };
      write();
    });
  }

  #unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response> {
    return unary(this.#client, method, request, { ...options, metadata: this.#metadata });
  }

  close(): void {
    this.#client.close();
  }
}

/** What a biz-server does with a connect-node. */
export class NodeClient {
  readonly #client: ConnectNodeServiceClient;

  /** @param address `host:port` */
  constructor(address: string, secure: ChannelCredentials = credentials.createInsecure()) {
    this.#client = new ConnectNodeServiceClient(address, secure);
  }

  pushMessageBatch(given: Given<PushMessageBatchRequest>): Promise<PushMessageBatchResponse> {
    const request = PushMessageBatchRequest.fromPartial(withBytes(given));
    return unary(this.#client, ConnectNodeServiceService.pushMessageBatch, request);
  }

  inspect(given: Partial<InspectRequest> = {}): Promise<InspectResponse> {
    const request = InspectRequest.fromPartial(given);
    return unary(this.#client, ConnectNodeServiceService.inspect, request);
  }

  /** A manager's stream, on which nothing is said yet. */
  deliverStream(): ClientDuplexStream<DeliverRequest, DeliverResponse> {
    return this.#client.deliver();
  }

  /** All that the node answers; rejects where it ends with an error. */
  async replicate(given: Partial<ReplicateRequest> = {}): Promise<ReplicateResponse[]> {
    const call = this.replicateStream(given);
    return await new Promise((resolve, reject) => {
      const responses: ReplicateResponse[] = [];
      call.on("data", (response: ReplicateResponse) => responses.push(response));
      call.on("error", reject);
      call.on("end", () => resolve(responses));
    });
  }

  /** What the node says first; then it is cancelled. */
  async beginTail(roomId: string): Promise<TailResponse> {
    const call = this.#client.tail({ roomId });
    try {
      return await new Promise((resolve, reject) => {
        call.once("data", resolve);
        call.on("error", reject);
      });
    } finally {
      call.cancel();
    }
  }

  /** Nothing is read of it until the test does. */
  replicateStream(given: Partial<ReplicateRequest> = {}): ClientReadableStream<ReplicateResponse> {
    return this.#client.replicate(ReplicateRequest.fromPartial(given));
  }

  close(): void {
    this.#client.close();
  }
}

/** The gRPC status of a call that must fail, with its machine-readable name. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ code: number; pushcastCode: string | undefined; details: string }> {
  try {
    await call;
  } catch (error) {
    const { code, details, metadata } = error as ServiceError;
    return { code, details, pushcastCode: metadata.get("pushcast-code")[0]?.toString() };
  }
  throw new Error("the call was answered");
}

function withBytes<Request extends { readonly content?: string | Buffer }>({
  content = "",
  ...rest
}: Request): Omit<Request, "content"> & { content: Buffer } {
  return { ...rest, content: Buffer.from(content) };
}

function pushed({
  messageId,
  report,
}: {
  messageId: string;
  report: DeliveryReport | undefined;
}): Pushed {
  if (report === undefined) throw new Error(`the answer to ${messageId} has no report`);
  return { messageId, report };
}

function unary<Request, Response>(
  client: Client,
  method: MethodDefinition<Request, Response>,
  request: Request,
  { deadlineMs = DEFAULT_DEADLINE_MS, metadata = new Metadata() }: CallOptions = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata,
      { deadline: Date.now() + deadlineMs },
      (error, response) => {
        if (response === undefined) reject(error);
        else resolve(response);
      },
    );
  });
}
