import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from "@grpc/grpc-js";

/** What callers see whose call was not done in time: they may call another server. */
const STOPPED = {
  code: status.UNAVAILABLE,
  details: "the server has stopped before it had answered",
};

/** The calls of a server that have no status yet. */
export class OpenCalls {
  readonly #calls = new Set<ServerInterceptingCallInterface>();

  readonly interceptor: ServerInterceptor = (_method, call) => {
    this.#calls.add(call);
    return new ServerInterceptingCall(call, {
      start: (next) => next({ onCancel: () => this.#calls.delete(call) }),
      sendStatus: (ofHandler, next) => {
        // Its handler may end after it.
        if (this.#calls.delete(call)) next(ofHandler);
      },
    });
  };

  /** Ends all. Where gRPC cuts them off, it says CANCELLED, which most clients do not try again. */
  end(): void {
    for (const call of this.#calls) call.sendStatus({ ...STOPPED, metadata: new Metadata() });
    this.#calls.clear();
  }
}
