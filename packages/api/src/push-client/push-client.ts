import { PushManagerServiceService } from "../gen/pushcast/v1/push_manager.ts";
import { Calls } from "./calls.ts";
import type {
  CallOptions,
  DisconnectOptions,
  ExcludingPushOptions,
  PushClientOptions,
  PushOptions,
  UserPushOptions,
} from "./options.ts";
import {
  broadcast,
  type OnePush,
  type PushContent,
  type Pusher,
  pushToRoom,
  pushToUser,
} from "./push.ts";
import { PushError } from "./push-error.ts";
import { GrpcPushStream, type PushStream, type PushStreamOptions } from "./push-stream.ts";
import {
  type NodeList,
  type PushReport,
  type PushResult,
  type RoomCounts,
  toNodeList,
  toReport,
  type UserCounts,
} from "./reports.ts";
import { isSentAgain } from "./retries.ts";

/** What a biz-server does with push-managers. Every promise may reject with a {@link PushError}. */
export interface PushClient extends Pusher {
  /** Puts the user's open sessions into a room. */
  joinRoom(userId: string, roomId: string, options?: CallOptions): Promise<PushReport>;
  /** Takes the user's open sessions out of a room. */
  leaveRoom(userId: string, roomId: string, options?: CallOptions): Promise<PushReport>;
  /** Closes the user's open sessions. One that is opened while the call is tried again may be closed too. */
  disconnectUser(userId: string, options?: DisconnectOptions): Promise<PushReport>;
  /** Counts a room, by asking the nodes. */
  getRoom(roomId: string, options?: CallOptions): Promise<RoomCounts>;
  /** Counts a user's sessions and lists the rooms they are in, by asking the nodes. */
  getUser(userId: string, options?: CallOptions): Promise<UserCounts>;
  /** The connect-nodes that the push-manager knows. */
  listNodes(options?: CallOptions): Promise<NodeList>;
  /** Many pushes in flight, in order. It is opened with the first push. */
  stream(options?: PushStreamOptions): PushStream;
  /** Takes no more calls, waits for those under way, and ends the connections. */
  close(): Promise<void>;
}

/**
 * A client for push-managers. It connects with the first call.
 * @throws PushError `OPTIONS_INVALID`
 */
export function createPushClient(options: PushClientOptions): PushClient {
  return new GrpcPushClient(new Calls(options));
}

class GrpcPushClient implements PushClient {
  readonly #calls: Calls;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #streams = new Set<PushStream>();
  #closed: Promise<void> | undefined;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  pushToRoom(roomId: string, content: PushContent, options: ExcludingPushOptions = {}) {
    return this.#track(() => this.#push(pushToRoom(roomId, content, options), options));
  }

  pushToUser(userId: string, content: PushContent, options: UserPushOptions = {}) {
    return this.#track(() => this.#push(pushToUser(userId, content, options), options));
  }

  broadcast(content: PushContent, options: ExcludingPushOptions = {}) {
    return this.#track(() => this.#push(broadcast(content, options), options));
  }

  joinRoom(userId: string, roomId: string, options: CallOptions = {}) {
    return this.#track(async () => {
      const { joinRoom } = PushManagerServiceService;
      const { response } = await this.#calls.unary(joinRoom, { userId, roomId }, options);
      return toReport(response.report);
    });
  }

  leaveRoom(userId: string, roomId: string, options: CallOptions = {}) {
    return this.#track(async () => {
      const { leaveRoom } = PushManagerServiceService;
      const { response } = await this.#calls.unary(leaveRoom, { userId, roomId }, options);
      return toReport(response.report);
    });
  }

  disconnectUser(userId: string, options: DisconnectOptions = {}) {
    return this.#track(async () => {
      const { disconnectUser } = PushManagerServiceService;
      const { code = 0, reason = "", revokeTokens = false } = options;
      const request = { userId, code, reason, revokeTokens };
      const { response } = await this.#calls.unary(disconnectUser, request, options);
      return toReport(response.report);
    });
  }

  getRoom(roomId: string, options: CallOptions = {}) {
    return this.#track(async (): Promise<RoomCounts> => {
      const { getRoom } = PushManagerServiceService;
      return (await this.#calls.unary(getRoom, { roomId }, options)).response;
    });
  }

  getUser(userId: string, options: CallOptions = {}) {
    return this.#track(async (): Promise<UserCounts> => {
      const { getUser } = PushManagerServiceService;
      return (await this.#calls.unary(getUser, { userId }, options)).response;
    });
  }

  listNodes(options: CallOptions = {}) {
    return this.#track(async () => {
      const { listNodes } = PushManagerServiceService;
      return toNodeList((await this.#calls.unary(listNodes, {}, options)).response);
    });
  }

  stream(options: PushStreamOptions = {}): PushStream {
    this.#throwIfClosed();
    const stream: PushStream = new GrpcPushStream(this.#calls, options, () => {
      this.#streams.delete(stream);
    });
    this.#streams.add(stream);
    return stream;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.allSettled([
      ...this.#underWay,
      ...Array.from(this.#streams, (stream) => stream.close()),
    ]);
    this.#calls.channels.close();
  }

  async #push(push: OnePush, options: PushOptions): Promise<PushResult> {
    const { idempotencyKey } = push.value;
    const { response, attempts } = await this.#unary(push, options);
    const { messageId, report } = response;
    return { messageId, report: toReport(report), idempotencyKey, attempts };
  }

  #unary(push: OnePush, options: CallOptions) {
    const isRetried = (error: PushError) => isSentAgain(push, error);
    const { pushToRoom, pushToUser, broadcastMessage } = PushManagerServiceService;
    switch (push.$case) {
      case "pushToRoom":
        return this.#calls.unary(pushToRoom, push.value, options, isRetried);
      case "pushToUser":
        return this.#calls.unary(pushToUser, push.value, options, isRetried);
      case "broadcastMessage":
        return this.#calls.unary(broadcastMessage, push.value, options, isRetried);
    }
  }

  /** So that `close` can wait for it. */
  async #track<Result>(begin: () => Promise<Result>): Promise<Result> {
    this.#throwIfClosed();
    const call = begin();
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }

  #throwIfClosed(): void {
    if (this.#closed === undefined) return;
    throw new PushError("CANCELLED", "CLIENT_CLOSED", "this client was closed");
  }
}
