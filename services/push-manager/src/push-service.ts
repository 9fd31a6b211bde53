import {
  type Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status,
} from "@grpc/grpc-js";
import {
  type Command,
  type DeliveryReport,
  type DisconnectCommand,
  type DisconnectUserRequest,
  type PushManagerServiceServer,
  PushManagerServiceService,
  type PushStreamResponse,
  withStrictRequests,
} from "@pushcast/api";
import { type Clock, type Logger, RpcError, unaryHandler } from "@pushcast/runtime";
import { CLOSE_CODES } from "@pushcast/wire";
import type { Caller } from "./access/push-access.ts";
import type { Rpc } from "./access/rights.ts";
import type { FanOut } from "./fan-out.ts";
import { getRoom, getUser, listNodes } from "./inspect.ts";
import { type Publisher, refusalError } from "./publisher.ts";
import { broadcastMessage, type Push, type PushAnswer, pushToRoom, pushToUser } from "./push.ts";
import { PushStream } from "./push-stream.ts";
import type { PushTracing } from "./push-tracing.ts";
import { disconnectError, roomError, userError } from "./validate.ts";

export const PUSH_SERVICE_NAME = "pushcast.v1.PushManagerService";
/** PushStream takes its messages as bytes: their pushes are decoded one by one, as they are accepted. */
export const pushServiceDefinition = {
  ...withStrictRequests(PushManagerServiceService),
  pushStream: {
    ...PushManagerServiceService.pushStream,
    requestDeserialize: (bytes: Buffer) => bytes,
  },
};

export interface PushServiceOptions {
  readonly publisher: Publisher;
  readonly fanOut: FanOut;
  /** Whoever made a call. @param metadata of the call */
  readonly callerOf: (metadata: Metadata) => Caller;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The longest that an rpc waits for nodes. */
  readonly ackTimeoutMs: number;
  readonly maxInFlightPerStream: number;
  readonly maxStreams: number;
  /** @default no push is traced */
  readonly tracing?: PushTracing;
  /** A PushStream beyond them. */
  onStreamRefused(): void;
}

type PushServiceHandlers = {
  [Name in Exclude<
    keyof typeof PushManagerServiceService,
    "pushStream"
  >]: PushManagerServiceServer[Name];
} & { pushStream(call: PushStreamCall): void };

type PushStreamCall = ServerDuplexStream<Buffer, PushStreamResponse>;

const TOO_MANY_STREAMS = new RpcError(
  status.RESOURCE_EXHAUSTED,
  "TOO_MANY_STREAMS",
  "this push-manager has as many PushStreams open as it takes; use another one, or fewer",
);

/** Of the caller's deadline; the rest is for the way back. */
const SHARE_OF_DEADLINE = 0.8;

const NO_CONTENT = Buffer.alloc(0);

/** The handlers of PushManagerService. */
export class PushService {
  readonly #options: PushServiceOptions;
  readonly #streams = new Set<PushStream>();
  readonly handlers: PushServiceHandlers;

  constructor(options: PushServiceOptions) {
    this.#options = options;
    const onError = (err: unknown) => options.logger.error({ err }, "rpc failed");
    const push = <Request>(toPush: (request: Request) => Push) =>
      unaryHandler<Request, PushAnswer>((request, call) => this.#push(toPush(request), call), {
        onError,
      });
    const unary = <Request, Response>(
      rpc: Rpc,
      roomOf: (request: Request) => string,
      handle: (
        request: Request,
        call: ServerUnaryCall<Request, Response>,
      ) => Response | Promise<Response>,
    ) =>
      unaryHandler<Request, Response>(
        (request, call) => {
          throwIf(options.callerOf(call.metadata).refusal(rpc, roomOf(request)));
          return handle(request, call);
        },
        { onError },
      );
    this.handlers = {
      pushToRoom: push(pushToRoom),
      pushToUser: push(pushToUser),
      broadcastMessage: push(broadcastMessage),
      pushStream: (call) => this.#openStream(call),
      joinRoom: unary(
        "JoinRoom",
        ({ roomId }) => roomId,
        (request, call) => {
          throwIf(userError(request.userId) ?? roomError(request.roomId));
          return this.#command({ $case: "join", value: request }, call);
        },
      ),
      leaveRoom: unary(
        "LeaveRoom",
        ({ roomId }) => roomId,
        (request, call) => {
          throwIf(userError(request.userId) ?? roomError(request.roomId));
          return this.#command({ $case: "leave", value: request }, call);
        },
      ),
      disconnectUser: unary("DisconnectUser", noRoom, (request, call) => {
        throwIf(disconnectError(request));
        return this.#command({ $case: "disconnect", value: this.#disconnect(request) }, call);
      }),
      getRoom: unary(
        "GetRoom",
        ({ roomId }) => roomId,
        (request, call) => {
          throwIf(roomError(request.roomId));
          return getRoom(options.fanOut.nodes, request.roomId, this.#timeoutMs(call));
        },
      ),
      getUser: unary("GetUser", noRoom, (request, call) => {
        throwIf(userError(request.userId));
        return getUser(options.fanOut.nodes, request.userId, this.#timeoutMs(call));
      }),
      listNodes: unary("ListNodes", noRoom, (_request, call) =>
        listNodes(options.fanOut.nodes, this.#timeoutMs(call)),
      ),
    };
  }

  /** Every PushStream answers what is in flight, and ends with UNAVAILABLE. */
  stop(): void {
    for (const stream of this.#streams) stream.stop();
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  #openStream(call: PushStreamCall): void {
    const { publisher, fanOut, ackTimeoutMs, maxInFlightPerStream, maxStreams } = this.#options;
    if (this.#streams.size >= maxStreams) {
      this.#options.onStreamRefused();
      call.emit("error", TOO_MANY_STREAMS.toServiceError());
      return;
    }
    const stream: PushStream = new PushStream(
      call,
      {
        publisher,
        fanOut,
        caller: this.#options.callerOf(call.metadata),
        ackTimeoutMs,
        maxInFlight: maxInFlightPerStream,
        tracing: this.#options.tracing?.ofStream(call.metadata),
      },
      () => this.#streams.delete(stream),
    );
    this.#streams.add(stream);
  }

  #push<Request>(push: Push, call: ServerUnaryCall<Request, PushAnswer>): Promise<PushAnswer> {
    const { publisher, callerOf, tracing } = this.#options;
    const { metadata } = call;
    return new Promise((resolve, reject) => {
      const answer = (answered: PushAnswer | RpcError) => {
        if (answered instanceof RpcError) reject(answered);
        else resolve(answered);
      };
      const trace = tracing?.begin(push.api, metadata);
      publisher.push(push, callerOf(metadata), this.#timeoutMs(call), answer, trace);
    });
  }

  #command<Request>(
    kind: NonNullable<Command["kind"]>,
    call: ServerUnaryCall<Request, { report: DeliveryReport | undefined }>,
  ): Promise<{ report: DeliveryReport }> {
    const { fanOut, clock } = this.#options;
    const refusal = fanOut.refusal;
    if (refusal !== undefined) throw refusalError(refusal);
    const publication = {
      roomId: "",
      userIds: [],
      excludeUserIds: [],
      content: NO_CONTENT,
      contentType: "",
      idempotencyKey: "",
      ephemeral: false,
      atMs: clock.now(),
      command: { kind },
    };
    return new Promise((resolve) => {
      fanOut.append(publication, undefined, this.#timeoutMs(call), (_seq, report) => {
        resolve({ report });
      });
    });
  }

  #disconnect({ userId, code, reason, revokeTokens }: DisconnectUserRequest): DisconnectCommand {
    // With a new token the user may come back.
    const { code: usual } = revokeTokens ? CLOSE_CODES.TOKEN_EXPIRED : CLOSE_CODES.DISCONNECTED;
    const revokeIssuedBeforeMs = revokeTokens ? BigInt(this.#options.clock.now()) : 0n;
    return { userId, code: code === 0 ? usual : code, reason, revokeIssuedBeforeMs };
  }

  #timeoutMs(call: Pick<ServerUnaryCall<unknown, unknown>, "getDeadline">): number {
    const { ackTimeoutMs, clock } = this.#options;
    const remainingMs = Number(call.getDeadline()) - clock.now();
    return Math.max(0, Math.min(ackTimeoutMs, remainingMs * SHARE_OF_DEADLINE));
  }
}

function noRoom(): string {
  return "";
}

function throwIf(error: RpcError | undefined): void {
  if (error !== undefined) throw error;
}
