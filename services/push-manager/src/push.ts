import {
  type BroadcastMessageRequest,
  type DeliveryReport,
  type PushToRoomRequest,
  type PushToUserRequest,
  type StreamPush,
  Wait,
} from "@pushcast/api";
import type { PushApi } from "./push-api.ts";

const NOBODY: readonly string[] = [];

/** A push as its publisher asked for it, by whichever rpc. */
export interface Push {
  readonly api: PushApi;
  /** Empty unless it is for a room, or for a user in a room. */
  readonly roomId: string;
  /** Empty, or the one user that it is for. */
  readonly userIds: readonly string[];
  readonly excludeUserIds: readonly string[];
  readonly content: Buffer;
  readonly contentType: string;
  /** Empty: repeats of it are pushes of their own. */
  readonly idempotencyKey: string;
  readonly ephemeral: boolean;
  readonly wait: Wait;
}

/** What a push is answered with. */
export interface PushAnswer {
  /** "<epoch>-<seq>" */
  readonly messageId: string;
  readonly report: DeliveryReport;
}

// Field by field: to spread a request costs more than the rest of what is done to accept it.

export function pushToRoom(request: PushToRoomRequest): Push {
  return {
    api: "PushToRoom",
    roomId: request.roomId,
    userIds: NOBODY,
    excludeUserIds: request.excludeUserIds,
    content: request.content,
    contentType: request.contentType,
    idempotencyKey: request.idempotencyKey,
    ephemeral: request.ephemeral,
    wait: request.wait,
  };
}

export function pushToUser(request: PushToUserRequest): Push {
  return {
    api: "PushToUser",
    roomId: request.roomId,
    userIds: [request.userId],
    excludeUserIds: NOBODY,
    content: request.content,
    contentType: request.contentType,
    idempotencyKey: request.idempotencyKey,
    ephemeral: request.ephemeral,
    wait: request.wait,
  };
}

export function broadcastMessage(request: BroadcastMessageRequest): Push {
  return {
    api: "BroadcastMessage",
    roomId: "",
    userIds: NOBODY,
    excludeUserIds: request.excludeUserIds,
    content: request.content,
    contentType: request.contentType,
    idempotencyKey: request.idempotencyKey,
    ephemeral: request.ephemeral,
    wait: request.wait,
  };
}

/** The push of a stream's item; undefined if it holds none. */
export function streamPush({ push }: StreamPush): Push | undefined {
  switch (push?.$case) {
    case "pushToRoom":
      return pushToRoom(push.value);
    case "pushToUser":
      return pushToUser(push.value);
    case "broadcastMessage":
      return broadcastMessage(push.value);
    case undefined:
      return undefined;
  }
}

export function waitsForNodes(push: Push): boolean {
  return push.wait !== Wait.WAIT_NONE;
}
