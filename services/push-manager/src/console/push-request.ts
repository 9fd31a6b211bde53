import { status } from "@grpc/grpc-js";
import { FailureReason, Wait } from "@pushcast/api";
import { BodyError, type RpcError } from "@pushcast/runtime";
import type { Push, PushAnswer } from "../push.ts";
import type { PushedMessage } from "./messages.ts";

const TARGETS = {
  room: "PushToRoom",
  user: "PushToUser",
  all: "BroadcastMessage",
} as const;

const REASONS: ReadonlyMap<number, string> = new Map(
  Object.entries(FailureReason).map(([name, reason]) => [
    reason,
    name.replace("FAILURE_REASON_", ""),
  ]),
);

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a PushMessage. Whether its ids and its content are valid is the publisher's to judge.
 * @throws BodyError
 */
export function readPush(body: unknown): Push {
  const fields = record(body, "the body");
  const target = record(fields.target, "target");
  const kind = target.kind;
  if (kind !== "room" && kind !== "user" && kind !== "all") {
    throw invalid("target.kind must be room, user or all");
  }
  return {
    api: TARGETS[kind],
    roomId: kind === "all" ? "" : text(target.roomId, "target.roomId"),
    userIds: kind === "user" ? [text(target.userId, "target.userId")] : [],
    excludeUserIds: [],
    content: Buffer.from(text(fields.content, "content")),
    contentType: text(fields.contentType, "contentType"),
    idempotencyKey: text(fields.idempotencyKey, "idempotencyKey"),
    ephemeral: fields.ephemeral === true,
    wait: Wait.WAIT_NODES,
  };
}

export function pushedMessage({ messageId, report }: PushAnswer): PushedMessage {
  const failures = report.failures.map(({ nodeId, reason, message }) => ({
    nodeId,
    reason: REASONS.get(reason) ?? String(reason),
    message,
  }));
  return { messageId, report: { ...report, failures } };
}

const HTTP_STATUS: Readonly<Partial<Record<status, number>>> = {
  [status.INVALID_ARGUMENT]: 400,
  [status.PERMISSION_DENIED]: 403,
  [status.RESOURCE_EXHAUSTED]: 429,
  [status.UNAVAILABLE]: 503,
};

export function errorResponse(error: RpcError | BodyError) {
  const [code, httpStatus] =
    error instanceof BodyError
      ? [error.code, error.status]
      : [error.pushcastCode, HTTP_STATUS[error.code] ?? 500];
  return { status: httpStatus, body: { error: { code, message: error.message } } };
}

function record(value: unknown, name: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalid(`${name} must be an object`);
}

/** Empty where it is missing. */
function text(value: unknown, name: string): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  throw invalid(`${name} must be a string`);
}

function invalid(message: string): BodyError {
  return new BodyError(400, "BODY_INVALID", message);
}
