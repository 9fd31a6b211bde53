import { type handleUnaryCall, type ServerUnaryCall, status } from "@grpc/grpc-js";
import { RpcError, toServiceError } from "./grpc-error.ts";

export interface UnaryHandlerOptions {
  /** Gets what was thrown that is no RpcError, for the log; the caller sees INTERNAL only. */
  onError(error: unknown): void;
}

/** @throws RpcError if the request could not be read, and an error stands in its place */
export function requireReadable(request: unknown): void {
  if (request instanceof Error) {
    throw new RpcError(status.INVALID_ARGUMENT, "REQUEST_MALFORMED", request.message);
  }
}

/** Makes a function that returns its response, or throws, into a handler of unary calls. */
export function unaryHandler<Request, Response>(
  handle: (
    request: Request,
    call: ServerUnaryCall<Request, Response>,
  ) => Response | Promise<Response>,
  { onError }: UnaryHandlerOptions,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const fail = (error: unknown) => callback(toServiceError(error, onError));
    try {
      requireReadable(call.request);
      const response = handle(call.request, call);
      if (response instanceof Promise) response.then((value) => callback(null, value), fail);
      else callback(null, response);
    } catch (error) {
      fail(error);
    }
  };
}
