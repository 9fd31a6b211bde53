import { status } from "@grpc/grpc-js";
import { type DisconnectUserRequest, Wait } from "@pushcast/api";
import { RpcError, type RpcErrorNameOf } from "@pushcast/runtime";
import { contentProblem, contentTypeProblem, idProblem } from "@pushcast/wire";
import type { Push } from "./push.ts";

const MAX_EXCLUDED_USERS = 1000;
const MAX_IDEMPOTENCY_KEY_BYTES = 128;
/** What RFC 6455 leaves for the reason in a close frame. */
const MAX_REASON_BYTES = 123;

function invalid(pushcastCode: RpcErrorNameOf<status.INVALID_ARGUMENT>, message: string): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, pushcastCode, message);
}

/** Why a room id is refused, if so. */
export function roomError(roomId: string): RpcError | undefined {
  const problem = idProblem(roomId);
  return problem === undefined ? undefined : invalid("ROOM_INVALID", `room_id ${problem}`);
}

/** Why a user id is refused, if so. */
export function userError(userId: string, field = "user_id"): RpcError | undefined {
  const problem = idProblem(userId);
  return problem === undefined ? undefined : invalid("USER_INVALID", `${field} ${problem}`);
}

/** Why a push is refused, if so. */
export function pushError(push: Push, maxContentBytes: number): RpcError | undefined {
  return (
    targetError(push) ?? excludedError(push.excludeUserIds) ?? formError(push, maxContentBytes)
  );
}

/** Why a DisconnectUser is refused, if so. */
export function disconnectError(request: DisconnectUserRequest): RpcError | undefined {
  const { userId, code, reason } = request;
  const error = userError(userId);
  if (error !== undefined) return error;
  if (code !== 0 && (code < 4000 || code > 4999)) {
    return invalid("CODE_INVALID", `code must be 0 or 4000 to 4999, not ${code}`);
  }
  if (Buffer.byteLength(reason) > MAX_REASON_BYTES) {
    return invalid("REASON_TOO_LONG", `reason must be at most ${MAX_REASON_BYTES} bytes`);
  }
  return undefined;
}

function targetError({ api, roomId, userIds }: Push): RpcError | undefined {
  const [userId] = userIds;
  if (userId !== undefined) {
    return userError(userId) ?? (roomId === "" ? undefined : roomError(roomId));
  }
  return api === "PushToRoom" ? roomError(roomId) : undefined;
}

function excludedError(userIds: readonly string[]): RpcError | undefined {
  if (userIds.length > MAX_EXCLUDED_USERS) {
    return invalid(
      "TOO_MANY_EXCLUDED",
      `exclude_user_ids must be at most ${MAX_EXCLUDED_USERS}, not ${userIds.length}`,
    );
  }
  for (const userId of userIds) {
    const error = userError(userId, "exclude_user_ids: each");
    if (error !== undefined) return error;
  }
  return undefined;
}

function formError(push: Push, maxContentBytes: number): RpcError | undefined {
  const { content, contentType, idempotencyKey, wait } = push;
  if (Buffer.byteLength(idempotencyKey) > MAX_IDEMPOTENCY_KEY_BYTES) {
    return invalid(
      "IDEMPOTENCY_KEY_TOO_LONG",
      `idempotency_key must be at most ${MAX_IDEMPOTENCY_KEY_BYTES} bytes`,
    );
  }
  if (wait !== Wait.WAIT_UNSPECIFIED && wait !== Wait.WAIT_NODES && wait !== Wait.WAIT_NONE) {
    return invalid("WAIT_INVALID", `wait has no value ${wait}`);
  }
  const typeProblem = contentTypeProblem(contentType);
  if (typeProblem !== undefined) {
    return invalid("CONTENT_TYPE_INVALID", `content_type ${typeProblem}`);
  }
  if (content.byteLength > maxContentBytes) {
    return new RpcError(
      status.RESOURCE_EXHAUSTED,
      "CONTENT_TOO_LARGE",
      `content has ${content.byteLength} bytes, the limit is ${maxContentBytes}`,
    );
  }
  const problem = contentProblem(content, contentType);
  return problem === undefined ? undefined : invalid("CONTENT_INVALID", `content ${problem}`);
}
