import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type ServerDuplexStream,
  type ServerWritableStream,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  ConnectNodeServiceService,
  type DeliverResponse,
  type InspectRequest,
  type InspectResponse,
  type PushMessageBatchRequest,
  type PushMessageBatchResponse,
  type ReplicateRequest,
  type TailRequest,
  withStrictRequests,
} from "@pushcast/api";
import type { Publication } from "@pushcast/log";
import { publicationId } from "@pushcast/log";
import {
  type Clock,
  type Logger,
  RpcError,
  type RpcErrorNameOf,
  requireReadable,
  toServiceError,
  unaryHandler,
} from "@pushcast/runtime";
import { contentProblem, contentTypeProblem, idProblem, isEpoch } from "@pushcast/wire";
import type { Revocation, Revocations } from "./auth/revocations.ts";
import type { Hub } from "./hub.ts";
import type { Intake } from "./intake.ts";
import { answerPeer, toLogRead } from "./log-reader.ts";
import { ManagerLink } from "./manager-link.ts";
import type { ManagerLinks } from "./manager-links.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLog } from "./node-log.ts";
import type { Readiness } from "./readiness.ts";
import { encodeReplicateMessage, type ReplicateMessage } from "./replicate-message.ts";
import { RoomTail, type RoomTails } from "./room-tails.ts";

const MAX_USER_IDS = 10_000;
const MAX_EXCLUDED_USER_IDS = 1_000;
/** Epochs that a peer may name: far more managers than there ever are in twice LOG_SECONDS. */
const MAX_AFTER = 100_000;
/** At most 0.3 MiB. */
const REVOCATIONS_TOGETHER = 1_000;
const NO_PUBLICATIONS = { epochs: [], publications: [], done: false, logAgeMs: 0 };

/**
 * The service as gRPC serves it. `Deliver` takes its requests, and `Replicate` and `Tail` give their
 * responses, as bytes: publications go into the log, and out of it, encoded.
 */
export const nodeServiceDefinition = {
  ...withStrictRequests(ConnectNodeServiceService),
  deliver: { ...ConnectNodeServiceService.deliver, requestDeserialize: (bytes: Buffer) => bytes },
  replicate: {
    ...withStrictRequests(ConnectNodeServiceService).replicate,
    responseSerialize: (bytes: Buffer) => bytes,
  },
  tail: {
    ...withStrictRequests(ConnectNodeServiceService).tail,
    responseSerialize: (bytes: Buffer) => bytes,
  },
};

/** What a response takes besides its outcomes, in outcomes. */
const RESPONSE_WEIGHT = 5;

interface NodeServiceInit {
  nodeId: string;
  version: string;
  hub: Hub;
  intake: Intake;
  links: ManagerLinks;
  log: NodeLog;
  revocations: Revocations;
  readiness: Readiness;
  tails: RoomTails;
  maxTails: number;
  /** What may wait for the reader of one tail. */
  tailBufferBytes: number;
  maxContentBytes: number;
  /** Outcomes that a manager may have left unread; with more its link is ended. */
  maxUnreadOutcomes: number;
  metrics: Pick<NodeMetrics, "unreadLinks" | "tailSkipped">;
  clock: Clock;
  logger: Logger;
}

/** What push-managers and biz-servers call on this node. */
export function createNodeService(init: NodeServiceInit): UntypedServiceImplementation {
  const onError = (err: unknown) => init.logger.error({ err }, "a call failed");
  const batches = new PushMessageBatches(init);
  return {
    pushMessageBatch: unaryHandler((request) => batches.push(request), { onError }),
    deliver: (call: ServerDuplexStream<Buffer, DeliverResponse>) => {
      // Without a listener a broken stream would end the process.
      call.on("error", () => {});
      // One that has to wait is not read from; what its manager sends waits with it.
      void init.readiness.admitsManagers.then(() => {
        if (!call.cancelled) deliver(init, call);
      });
    },
    replicate: (call: ServerWritableStream<ReplicateRequest, Buffer>) => {
      call.on("error", () => {});
      replicate(init, call).catch((error: unknown) => {
        call.emit("error", toServiceError(error, onError));
      });
    },
    inspect: unaryHandler((request) => inspect(init, request), { onError }),
    tail: (call: ServerWritableStream<TailRequest, Buffer>) => {
      call.on("error", () => {});
      try {
        tail(init, call);
      } catch (error) {
        call.emit("error", toServiceError(error, onError));
      }
    },
  };
}

/** Fits a gRPC call to a link. */
function deliver(init: NodeServiceInit, call: ServerDuplexStream<Buffer, DeliverResponse>): void {
  const { links } = init;
  let unreadOutcomes = 0;
  const link: ManagerLink = new ManagerLink({
    nodeId: init.nodeId,
    version: init.version,
    intake: init.intake,
    clock: init.clock,
    logger: init.logger,
    onAttached: (attached) => links.attachedAs(attached),
    stream: {
      send: (response) => {
        if (call.cancelled || call.writableEnded) return;
        const weight = RESPONSE_WEIGHT + response.outcomes.length;
        unreadOutcomes += weight;
        call.write(response, () => {
          unreadOutcomes -= weight;
        });
        if (unreadOutcomes <= init.maxUnreadOutcomes) return;
        init.metrics.unreadLinks.inc();
        init.logger.warn({ epoch: link.epoch }, "a push-manager does not read acknowledgements");
        link.end("acknowledgements are not read");
      },
      end: (problem) => {
        if (problem === undefined) call.end();
        else call.emit("error", { code: status.ABORTED, details: problem });
      },
    },
  });
  links.add(link);
  call.on("data", (bytes: Buffer) => link.receive(bytes));
  call.on("end", () => {
    links.remove(link);
    if (!call.writableEnded) call.end();
  });
  call.on("cancelled", () => links.remove(link));
  call.on("error", () => links.remove(link));
}

/** Sends this node's log to a peer, a message a turn of the event loop, as fast as the peer takes it. */
async function replicate(
  { log, revocations, readiness, clock }: NodeServiceInit,
  call: ServerWritableStream<ReplicateRequest, Buffer>,
): Promise<void> {
  if (!readiness.ready) {
    throw new RpcError(status.UNAVAILABLE, "NODE_STARTING", "this node is copying a log itself");
  }
  requireReadable(call.request);
  const { after } = call.request;
  if (after.length > MAX_AFTER) {
    const message = `after must have at most ${MAX_AFTER} entries`;
    throw new RpcError(status.INVALID_ARGUMENT, "TOO_MANY_EPOCHS", message);
  }
  for (const { epoch, seq } of after) {
    refuse("EPOCH_INVALID", isEpoch(epoch) ? undefined : "must be 16 hex digits", "epoch");
    refuse("SEQ_INVALID", seq < 2n ** 53n ? undefined : "must be below 2^53", "seq");
  }
  if (call.request.wantsRevocations) {
    for (const message of revocationMessages(revocations)) {
      if (call.cancelled || call.destroyed) return;
      await written(call, encodeReplicateMessage(message));
    }
  }
  for (const message of answerPeer(log, toLogRead(call.request), () => clock.monotonicMs())) {
    if (call.cancelled || call.destroyed) return;
    if (message !== undefined) await written(call, encodeReplicateMessage(message));
    await nextTurn();
  }
  call.end();
}

function* revocationMessages(revocations: Revocations): Generator<ReplicateMessage, void> {
  let some: Revocation[] = [];
  for (const revocation of revocations.entries()) {
    some.push(revocation);
    if (some.length < REVOCATIONS_TOGETHER) continue;
    yield { ...NO_PUBLICATIONS, revocations: some };
    some = [];
  }
  if (some.length > 0) yield { ...NO_PUBLICATIONS, revocations: some };
}

/**
 * Resolves when the message has been sent, or the call is over. By its own mark gRPC would take sixteen
 * messages before it says that a reader is slow.
 */
function written(
  call: ServerWritableStream<ReplicateRequest, Buffer>,
  message: Buffer,
): Promise<void> {
  const ends = ["cancelled", "close", "error"];
  return new Promise((resolve) => {
    const done = () => {
      for (const end of ends) call.off(end, done);
      resolve();
    };
    for (const end of ends) call.on(end, done);
    call.write(message, done);
  });
}

/** Fits a gRPC call to a tail. */
function tail(init: NodeServiceInit, call: ServerWritableStream<TailRequest, Buffer>): void {
  const { nodeId, readiness, tails, maxTails, tailBufferBytes, metrics } = init;
  requireReadable(call.request);
  const { roomId } = call.request;
  refuse("ROOM_INVALID", idProblem(roomId), "room_id");
  if (!readiness.ready) {
    throw new RpcError(status.UNAVAILABLE, "NODE_STARTING", "this node is copying a log itself");
  }
  if (tails.size >= maxTails) {
    const message = `this node has ${maxTails} tails open, as many as it takes`;
    throw new RpcError(status.RESOURCE_EXHAUSTED, "TOO_MANY_TAILS", message);
  }
  const remove = tails.add(
    roomId,
    new RoomTail({
      nodeId,
      maxBytes: tailBufferBytes,
      send: (message, onSent) => {
        if (!call.cancelled && !call.writableEnded) call.write(message, onSent);
      },
      end: () => call.end(),
      onSkipped: () => metrics.tailSkipped.inc(),
    }),
  );
  for (const event of ["cancelled", "close", "error"]) call.on(event, remove);
}

function inspect({ nodeId, hub }: NodeServiceInit, request: InspectRequest): InspectResponse {
  const { roomId, userId } = request;
  const room = roomId === "" ? undefined : hub.rooms.get(roomId);
  const counts = { nodeId, userRooms: [] as string[], sessionsLagging: 0 };
  if (userId !== "") {
    const sessions = [...hub.sessionsOf([userId])].filter(
      (session) => roomId === "" || session.rooms.has(roomId),
    );
    const rooms = new Set(sessions.flatMap((session) => [...session.rooms.keys()]));
    return {
      ...counts,
      sessions: sessions.length,
      users: sessions.length > 0 ? 1 : 0,
      rooms: rooms.size,
      userRooms: [...rooms],
      sessionsLagging: sessions.filter((session) => session.lagging).length,
    };
  }
  if (roomId !== "") {
    return {
      ...counts,
      sessions: room?.members.size ?? 0,
      users: room === undefined ? 0 : hub.usersIn(room),
      rooms: room === undefined ? 0 : 1,
      sessionsLagging: room?.behind ?? 0,
    };
  }
  return {
    ...counts,
    sessions: hub.sessions.size,
    users: hub.users.size,
    rooms: hub.rooms.size,
    sessionsLagging: hub.lagging.size,
  };
}

/** Messages that enter at this node: for its own sessions, ephemeral, in an epoch of their own. */
class PushMessageBatches {
  readonly #init: NodeServiceInit;
  /** Like a manager's epoch, and never one. */
  readonly #epoch = randomBytes(8).toString("hex");
  #seq = 0;

  constructor(init: NodeServiceInit) {
    this.#init = init;
  }

  push(request: PushMessageBatchRequest): PushMessageBatchResponse {
    this.#check(request);
    this.#seq += 1;
    const publication: Publication = {
      epoch: this.#epoch,
      seq: this.#seq,
      roomId: request.roomId,
      userIds: request.userIds,
      excludeUserIds: request.excludeUserIds,
      content: request.content,
      contentType: request.contentType,
      idempotencyKey: "",
      ephemeral: true,
      atMs: this.#init.clock.now(),
    };
    const { delivered, lagging } = this.#init.intake.deliverOnly(publication);
    return {
      messageId: publicationId(publication),
      matched: delivered > 0,
      sessionsDelivered: delivered,
      sessionsLagging: lagging,
    };
  }

  #check(request: PushMessageBatchRequest): void {
    const { roomId, userIds, excludeUserIds, content, contentType } = request;
    if (roomId !== "") refuse("ROOM_INVALID", idProblem(roomId), "room_id");
    if (userIds.length > MAX_USER_IDS) {
      refuse("TOO_MANY_USERS", `must be at most ${MAX_USER_IDS}`, "user_ids");
    }
    if (excludeUserIds.length > MAX_EXCLUDED_USER_IDS) {
      refuse("TOO_MANY_EXCLUDED", `must be at most ${MAX_EXCLUDED_USER_IDS}`, "exclude_user_ids");
    }
    for (const userId of userIds) refuse("USER_INVALID", idProblem(userId), "user_ids");
    for (const userId of excludeUserIds)
      refuse("USER_INVALID", idProblem(userId), "exclude_user_ids");
    if (content.byteLength > this.#init.maxContentBytes) {
      const message = `content has ${content.byteLength} bytes; the limit is ${this.#init.maxContentBytes}`;
      throw new RpcError(status.RESOURCE_EXHAUSTED, "CONTENT_TOO_LARGE", message);
    }
    refuse("CONTENT_TYPE_INVALID", contentTypeProblem(contentType), "content_type");
    refuse("CONTENT_INVALID", contentProblem(content, contentType), "content");
  }
}

function refuse(
  code: RpcErrorNameOf<status.INVALID_ARGUMENT>,
  problem: string | undefined,
  field: string,
): void {
  if (problem !== undefined) {
    throw new RpcError(status.INVALID_ARGUMENT, code, `${field} ${problem}`);
  }
}
