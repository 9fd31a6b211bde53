import { type ServiceError, status } from "@grpc/grpc-js";

/** A gRPC status by its name. */
export type PushErrorCode = Exclude<keyof typeof status, "OK">;

/** The trailer in which a push-manager says what programs decide by. */
const REASON_TRAILER = "pushcast-code";

/** Why a call failed, for good: whatever could be tried again was. */
export class PushError extends Error {
  override readonly name = "PushError";
  /** "UNAVAILABLE" */
  readonly code: PushErrorCode;
  /**
   * The push-manager's own name for it, "ROOM_INVALID", or this client's: "OPTIONS_INVALID", "TOKEN_FAILED",
   * "CLIENT_CLOSED", "STREAM_CLOSED", "QUEUE_FULL", "ABORTED_BY_CALLER". Empty where neither has said one: nobody
   * answered, or a proxy did.
   */
  readonly reason: string;
  /** How many times it was sent. */
  readonly attempts: number;

  /** @param message for a person */
  constructor(
    code: PushErrorCode,
    reason: string,
    message: string,
    { attempts = 0, cause }: { attempts?: number; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.reason = reason;
    this.attempts = attempts;
  }

  /** The same of a call that was sent so often. */
  afterAttempts(attempts: number): PushError {
    if (attempts === this.attempts) return this;
    return new PushError(this.code, this.reason, this.message, { attempts, cause: this.cause });
  }

  /** What gRPC said of the last attempt. */
  static fromServiceError(error: ServiceError, attempts: number): PushError {
    const reason = error.metadata?.get(REASON_TRAILER)[0]?.toString() ?? "";
    return new PushError(codeName(error.code), reason, error.details || error.message, {
      attempts,
      cause: error,
    });
  }

  /** What a push-manager said of one push of a stream. @param error "ROOM_INVALID: room_id is empty" */
  static fromResult(code: number, error: string, attempts: number): PushError {
    const [, reason = "", message = error] = /^([A-Z_]+): (.*)$/s.exec(error) ?? [];
    return new PushError(codeName(code), reason, message, { attempts });
  }
}

function codeName(code: number): PushErrorCode {
  const name = status[code] as keyof typeof status | undefined;
  return name === undefined || name === "OK" ? "UNKNOWN" : name;
}
