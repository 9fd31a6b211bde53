import { status } from "@grpc/grpc-js";

interface RpcErrorInfo {
  readonly status: status;
  readonly meaning: string;
  /** The same call may be answered otherwise a little later, or through another push-manager. */
  readonly again?: true;
}

const { INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE } =
  status;

/**
 * Every error of the gRPC ports, by the name in the trailer `pushcast-code`, or before the colon in a PushStream's
 * result.
 */
export const RPC_ERRORS = {
  REQUEST_MALFORMED: {
    status: INVALID_ARGUMENT,
    meaning: "the bytes are no such message, or a string in it is not UTF-8",
  },
  ROOM_INVALID: { status: INVALID_ARGUMENT, meaning: "a `room_id` is not one" },
  USER_INVALID: { status: INVALID_ARGUMENT, meaning: "a user id is not one" },
  TOO_MANY_EXCLUDED: {
    status: INVALID_ARGUMENT,
    meaning: "`exclude_user_ids` has more than 1,000",
  },
  TOO_MANY_USERS: {
    status: INVALID_ARGUMENT,
    meaning: "`user_ids` has more than a node takes at once (`PushMessageBatch`)",
  },
  CONTENT_TYPE_INVALID: { status: INVALID_ARGUMENT, meaning: "`content_type` is no media type" },
  CONTENT_INVALID: {
    status: INVALID_ARGUMENT,
    meaning: "the content is not of its type: no UTF-8 for text, no JSON for JSON",
  },
  CONTENT_TOO_LARGE: {
    status: RESOURCE_EXHAUSTED,
    meaning: "the content has more than `MAX_CONTENT_BYTES`",
  },
  IDEMPOTENCY_KEY_TOO_LONG: {
    status: INVALID_ARGUMENT,
    meaning: "`idempotency_key` has more than 128 bytes",
  },
  WAIT_INVALID: { status: INVALID_ARGUMENT, meaning: "`wait` has a value that is not known here" },
  CODE_INVALID: {
    status: INVALID_ARGUMENT,
    meaning: "`code` of `DisconnectUser` is neither 0 nor 4000 to 4999",
  },
  REASON_TOO_LONG: {
    status: INVALID_ARGUMENT,
    meaning: "`reason` of `DisconnectUser` has more than 123 bytes",
  },
  PUSH_MISSING: {
    status: INVALID_ARGUMENT,
    meaning: "an entry of a `PushStream` has no push, or one of a kind that is not known here",
  },
  REQUEST_ID_TOO_LONG: {
    status: INVALID_ARGUMENT,
    meaning: "a `request_id` of a `PushStream` is too long",
  },
  NO_NODES: {
    status: UNAVAILABLE,
    meaning: "no connect-node is known; nothing was kept",
    again: true,
  },
  STOPPING: { status: UNAVAILABLE, meaning: "this push-manager is stopping", again: true },
  BACK_PRESSURE: {
    status: RESOURCE_EXHAUSTED,
    meaning:
      "most nodes are far behind, or `MAX_PENDING_PUSHES` await acknowledgement; nothing was kept",
    again: true,
  },
  TOO_MANY_STREAMS: {
    status: RESOURCE_EXHAUSTED,
    meaning: "`MAX_PUSH_STREAMS` are open at this push-manager",
    again: true,
  },
  TOKEN_MISSING: {
    status: UNAUTHENTICATED,
    meaning: "`PUSH_AUTH=token`, and the call has no bearer token",
  },
  TOKEN_INVALID: { status: UNAUTHENTICATED, meaning: "nobody has this bearer token" },
  CERTIFICATE_MISSING: {
    status: UNAUTHENTICATED,
    meaning: "a client certificate of the CA is needed",
  },
  CERTIFICATE_UNKNOWN: {
    status: UNAUTHENTICATED,
    meaning: "`PUSH_AUTH=mtls`, and the certificate has no name of a caller, or of several",
  },
  CERTIFICATE_FORBIDDEN: {
    status: PERMISSION_DENIED,
    meaning: "a node's gRPC port: the certificate is not a push-manager's, or not a connect-node's",
  },
  RPC_FORBIDDEN: { status: PERMISSION_DENIED, meaning: "the caller may not call this rpc" },
  ROOM_FORBIDDEN: { status: PERMISSION_DENIED, meaning: "the caller may not push to this room" },
  RATE_LIMITED: {
    status: RESOURCE_EXHAUSTED,
    meaning: "the caller's rate is used up",
    again: true,
  },
  EPOCH_INVALID: {
    status: INVALID_ARGUMENT,
    meaning: "between processes (`Replicate`): an epoch is not one",
  },
  SEQ_INVALID: {
    status: INVALID_ARGUMENT,
    meaning: "between processes (`Replicate`): a seq is not one",
  },
  TOO_MANY_EPOCHS: {
    status: INVALID_ARGUMENT,
    meaning: "between processes (`Replicate`): more epochs than a node names",
  },
  NODE_STARTING: {
    status: UNAVAILABLE,
    meaning: "between processes (`Replicate`, `Tail`): the node is copying a log itself",
    again: true,
  },
  TOO_MANY_TAILS: {
    status: RESOURCE_EXHAUSTED,
    meaning: "between processes (`Tail`): as many are open at the node as it takes",
    again: true,
  },
  INTERNAL: { status: status.INTERNAL, meaning: "an error in the server, which its log has" },
} as const satisfies Record<string, RpcErrorInfo>;

/** What programs decide by. */
export type RpcErrorName = keyof typeof RPC_ERRORS;

/** Those with one gRPC status. */
export type RpcErrorNameOf<Status extends status> = {
  [Name in RpcErrorName]: (typeof RPC_ERRORS)[Name]["status"] extends Status ? Name : never;
}[RpcErrorName];
