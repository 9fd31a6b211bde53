import { randomUUID } from "node:crypto";
import { Wait } from "../gen/pushcast/v1/publication.ts";
import type { StreamPush } from "../gen/pushcast/v1/push_manager.ts";
import type { ExcludingPushOptions, PushOptions, UserPushOptions } from "./options.ts";
import { PushError } from "./push-error.ts";
import type { PushResult } from "./reports.ts";

/** What is pushed: text, bytes, or what becomes JSON. */
export type PushContent = string | Uint8Array | { readonly json: unknown };

/** What pushes go through: a client, or one stream of it. */
export interface Pusher {
  /** To every session in a room. */
  pushToRoom(
    roomId: string,
    content: PushContent,
    options?: ExcludingPushOptions,
  ): Promise<PushResult>;
  /** To every session of a user, or only those in a room. */
  pushToUser(userId: string, content: PushContent, options?: UserPushOptions): Promise<PushResult>;
  /** To every session, each once. */
  broadcast(content: PushContent, options?: ExcludingPushOptions): Promise<PushResult>;
}

/** A push as the protos have it. */
export type OnePush = NonNullable<StreamPush["push"]>;

/** @throws PushError */
export function pushToRoom(
  roomId: string,
  content: PushContent,
  options: ExcludingPushOptions,
): OnePush {
  const excludeUserIds = [...(options.excludeUserIds ?? [])];
  return { $case: "pushToRoom", value: { roomId, excludeUserIds, ...form(content, options) } };
}

/** @throws PushError */
export function pushToUser(
  userId: string,
  content: PushContent,
  options: UserPushOptions,
): OnePush {
  const { roomId = "" } = options;
  return { $case: "pushToUser", value: { userId, roomId, ...form(content, options) } };
}

/** @throws PushError */
export function broadcast(content: PushContent, options: ExcludingPushOptions): OnePush {
  const excludeUserIds = [...(options.excludeUserIds ?? [])];
  return { $case: "broadcastMessage", value: { excludeUserIds, ...form(content, options) } };
}

function form(content: PushContent, options: PushOptions) {
  const { ephemeral = false, wait = "nodes" } = options;
  const { bytes, contentType } = encode(content);
  return {
    content: bytes,
    contentType: options.contentType ?? contentType,
    // Nodes keep no keys of what is ephemeral.
    idempotencyKey: options.idempotencyKey ?? (ephemeral ? "" : randomUUID()),
    ephemeral,
    wait: wait === "none" ? Wait.WAIT_NONE : Wait.WAIT_NODES,
  };
}

function encode(content: PushContent): { bytes: Buffer; contentType: string } {
  if (typeof content === "string") {
    return { bytes: Buffer.from(content), contentType: "text/plain" };
  }
  if (content instanceof Uint8Array) {
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    return { bytes, contentType: "application/octet-stream" };
  }
  return { bytes: Buffer.from(toJson(content.json)), contentType: "application/json" };
}

/** @throws PushError for what has no JSON: a circle, a bigint, undefined, a function */
function toJson(value: unknown): string {
  let cause: unknown;
  try {
    const json: string | undefined = JSON.stringify(value);
    if (json !== undefined) return json;
  } catch (error) {
    cause = error;
  }
  throw new PushError("INVALID_ARGUMENT", "CONTENT_INVALID", "the content has no JSON", { cause });
}
