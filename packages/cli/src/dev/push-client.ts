import { type ClientUnaryCall, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  type DeliveryReport,
  type ListNodesResponse,
  PushManagerServiceClient,
  Wait,
} from "@pushcast/api";

/** Whom a push is for. */
export type PushTarget =
  | { readonly kind: "room"; readonly roomId: string }
  /** With a room: only the user's sessions in it. */
  | { readonly kind: "user"; readonly userId: string; readonly roomId?: string }
  | { readonly kind: "all" };

export interface PushContent {
  readonly content: Buffer;
  /** The media type. */
  readonly contentType: string;
}

export interface PushAnswer {
  readonly messageId: string;
  readonly report: DeliveryReport | undefined;
}

const DEADLINE_MS = 5_000;

type Callback<Response> = (error: ServiceError | null, response: Response) => void;

/** The dev page's own business server: pushes over gRPC, as any other would. */
export class PushClient {
  readonly #client: PushManagerServiceClient;

  /** @param address the push-manager's, `host:port` */
  constructor(address: string) {
    this.#client = new PushManagerServiceClient(address, credentials.createInsecure());
  }

  /** @throws ServiceError */
  push(target: PushTarget, { content, contentType }: PushContent): Promise<PushAnswer> {
    const client = this.#client;
    const form = {
      content,
      contentType,
      idempotencyKey: "",
      ephemeral: false,
      wait: Wait.WAIT_NODES,
    };
    return call((options, done) => {
      const metadata = new Metadata();
      switch (target.kind) {
        case "room": {
          const request = { ...form, roomId: target.roomId, excludeUserIds: [] };
          return client.pushToRoom(request, metadata, options, done);
        }
        case "user": {
          const request = { ...form, userId: target.userId, roomId: target.roomId ?? "" };
          return client.pushToUser(request, metadata, options, done);
        }
        case "all":
          return client.broadcastMessage({ ...form, excludeUserIds: [] }, metadata, options, done);
      }
    });
  }

  /** @throws ServiceError */
  listNodes(): Promise<ListNodesResponse> {
    return call((options, done) => this.#client.listNodes({}, new Metadata(), options, done));
  }

  close(): void {
    this.#client.close();
  }
}

function call<Response>(
  start: (options: { deadline: number }, done: Callback<Response>) => ClientUnaryCall,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    start({ deadline: Date.now() + DEADLINE_MS }, (error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}
