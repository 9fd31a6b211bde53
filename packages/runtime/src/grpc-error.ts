import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import type { RpcErrorName, RpcErrorNameOf } from "./rpc-errors.ts";

/** The trailer that has the machine-readable name of an error. */
const CODE_TRAILER = "pushcast-code";

function statusObject(code: status, details: string, pushcastCode: RpcErrorName): StatusObject {
  const metadata = new Metadata();
  metadata.set(CODE_TRAILER, pushcastCode);
  return { code, details, metadata };
}

/** An error that is the caller's to see: a gRPC status and a machine-readable name. */
export class RpcError<Status extends status = status> extends Error {
  readonly code: Status;
  /** "ROOM_INVALID": what programs decide by. */
  readonly pushcastCode: RpcErrorName;

  /** @param message for a person; goes to the caller */
  constructor(code: Status, pushcastCode: RpcErrorNameOf<Status>, message: string) {
    super(message);
    this.name = "RpcError";
    this.code = code;
    this.pushcastCode = pushcastCode;
  }

  /** What grpc-js takes as a call's error. */
  toServiceError(): StatusObject {
    return statusObject(this.code, this.message, this.pushcastCode);
  }
}

/**
 * The one door by which errors leave to a caller. What is not an {@link RpcError} becomes INTERNAL
 * without a word about its cause, which goes to `onError`.
 */
export function toServiceError(error: unknown, onError: (error: unknown) => void): StatusObject {
  if (error instanceof RpcError) return error.toServiceError();
  onError(error);
  return statusObject(status.INTERNAL, "internal error", "INTERNAL");
}
