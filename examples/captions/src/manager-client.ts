import {
  type CallOptions,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import {
  BroadcastMessageRequest,
  DeliveryReport,
  type NodeInfo,
  PushManagerServiceClient,
  PushToRoomRequest,
  PushToUserRequest,
} from "@pushcast/api";

/** What a push needs beside its target. */
export interface Push {
  /** Sent as JSON. */
  readonly content: object;
  /** The same for each attempt: nodes deliver it once. At most 128 bytes. */
  readonly key: string;
}

export interface PushResult {
  readonly messageId: string;
  readonly report: DeliveryReport;
}

/** A push-manager's calls, each tried once, with a deadline. They reject with a gRPC ServiceError. */
export class ManagerClient {
  readonly #client: PushManagerServiceClient;
  readonly #deadlineMs: number;

  /** @param address `host:port` */
  constructor(address: string, deadlineMs: number) {
    this.#client = new PushManagerServiceClient(address, credentials.createInsecure(), {
      // gRPC's own back-off grows to two minutes; a manager that is back should be found at once.
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1_000,
    });
    this.#deadlineMs = deadlineMs;
  }

  pushToRoom(roomId: string, push: Push): Promise<PushResult> {
    const request = PushToRoomRequest.create({ roomId, ...fields(push) });
    return this.#call(this.#client.pushToRoom, request).then(resultOf);
  }

  pushToUser(userId: string, push: Push): Promise<PushResult> {
    const request = PushToUserRequest.create({ userId, ...fields(push) });
    return this.#call(this.#client.pushToUser, request).then(resultOf);
  }

  broadcast(push: Push): Promise<PushResult> {
    const request = BroadcastMessageRequest.create(fields(push));
    return this.#call(this.#client.broadcastMessage, request).then(resultOf);
  }

  async sessionsInRoom(roomId: string): Promise<number> {
    const { sessions } = await this.#call(this.#client.getRoom, { roomId });
    return sessions;
  }

  async listNodes(): Promise<readonly NodeInfo[]> {
    const { nodes } = await this.#call(this.#client.listNodes, {});
    return nodes;
  }

  close(): void {
    this.#client.close();
  }

  #call<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + this.#deadlineMs };
      method.call(this.#client, request, new Metadata(), options, (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });
  }
}

type Method<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

function fields({ content, key }: Push) {
  return {
    content: Buffer.from(JSON.stringify(content)),
    contentType: "application/json",
    idempotencyKey: key,
  };
}

function resultOf(response: { messageId: string; report: DeliveryReport | undefined }): PushResult {
  return { messageId: response.messageId, report: DeliveryReport.create(response.report) };
}
