import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import type { RpcError } from "./grpc-error.ts";
import { notedPeer, type PeerNames } from "./peer-names.ts";

/** A call of which nothing but its headers has been read. */
export interface IncomingCall {
  /** `/<full name of the service>/<rpc>` */
  readonly path: string;
  /** What it came with; the very object that its handler gets. */
  readonly metadata: Metadata;
  /** Who made it, as the certificate says; undefined without TLS, or without a valid one. */
  readonly peer: PeerNames | undefined;
}

/** Says why a call is refused, if so. */
export type CallGuard = (call: IncomingCall) => RpcError | undefined;

/** Health is asked by probes, which have no credentials; it tells nothing but that. */
const OPEN_TO_ALL = /^\/grpc\.health\.v1\.Health\//;

/** Puts a guard before all services of a server, but health. */
export function guardCalls(guard: CallGuard): ServerInterceptor {
  return ({ path }, call) => {
    if (OPEN_TO_ALL.test(path)) return new ServerInterceptingCall(call);
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, admit) => {
            const peer = notedPeer(call.getAuthContext().sslPeerCertificate);
            const refusal = guard({ path, metadata, peer });
            if (refusal === undefined) admit(metadata);
            else call.sendStatus(refusal.toServiceError());
          },
        }),
    });
  };
}
