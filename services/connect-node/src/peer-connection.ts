import { Client, type ClientReadableStream } from "@grpc/grpc-js";
import { ConnectNodeServiceService, type ReplicateRequest } from "@pushcast/api";
import { type GrpcTls, OwnedSockets } from "@pushcast/runtime";
import { decodeReplicateMessage, type ReplicateMessage } from "./replicate-message.ts";

/** A connection to another connect-node. */
export interface PeerConnection {
  /**
   * Reads the peer's log. Messages come one by one, and none after the call has ended; what the
   * listener throws ends it.
   * @throws Error when the peer cannot be reached, refuses, breaks off, or is silent for too long
   */
  replicate(
    request: ReplicateRequest,
    onMessage: (message: ReplicateMessage) => void,
  ): Promise<void>;
  /** Ends it, and what is under way. */
  close(): void;
}

export type ConnectToPeer = (grpcAddress: string) => PeerConnection;

/** A peer that says nothing for this long is frozen or cut off. */
const SILENT_MS = 3_000;
const OPTIONS = {
  // Of its own: the shared pool would keep the socket of a peer that is gone.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1000,
  "grpc.enable_retries": 0,
  "grpc.enable_channelz": 0,
  "grpc.service_config_disable_resolution": 1,
};

/** How peers are connected to with TLS. */
export interface PeerTls {
  readonly tls: GrpcTls;
  /** That a peer's certificate must be for. */
  readonly serverName: string;
}

/** @param maxMessageBytes of one message that the peer sends @param secure @default plain text */
export function peerConnector(maxMessageBytes: number, secure?: PeerTls): ConnectToPeer {
  return (grpcAddress) => new GrpcPeerConnection(grpcAddress, maxMessageBytes, secure);
}

class GrpcPeerConnection implements PeerConnection {
  readonly #sockets: OwnedSockets;
  readonly #calls = new Set<ClientReadableStream<Buffer>>();
  readonly #client: Client;

  constructor(grpcAddress: string, maxMessageBytes: number, secure: PeerTls | undefined) {
    this.#sockets = new OwnedSockets(
      secure && (() => secure.tls.credentialsFor(secure.serverName)),
    );
    this.#client = new Client(grpcAddress, this.#sockets, {
      ...OPTIONS,
      "grpc.max_receive_message_length": maxMessageBytes,
      // Else it is the address, which TLS does not take for a name.
      ...(secure && { "grpc.ssl_target_name_override": secure.serverName }),
    });
  }

  async replicate(
    request: ReplicateRequest,
    onMessage: (message: ReplicateMessage) => void,
  ): Promise<void> {
    const { path, requestSerialize } = ConnectNodeServiceService.replicate;
    const call = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      (bytes: Buffer) => bytes,
      request,
    );
    this.#calls.add(call);
    await new Promise<void>((resolve, reject) => {
      let isOver = false;
      const end = (error: unknown) => {
        isOver = true;
        clearTimeout(silence);
        this.#calls.delete(call);
        if (error === undefined) resolve();
        else reject(error);
      };
      const silence = setTimeout(() => {
        end(new Error(`the peer has been silent for ${SILENT_MS} ms`));
        call.cancel();
      }, SILENT_MS);
      call.on("data", (bytes: Buffer) => {
        // gRPC does not promise that a cancelled call gives nothing more, and a copy must not go on behind a hole.
        if (isOver) return;
        silence.refresh();
        try {
          onMessage(decodeReplicateMessage(bytes));
        } catch (error) {
          end(error);
          call.cancel();
        }
      });
      call.on("error", end);
      call.on("end", () => end(undefined));
    });
  }

  close(): void {
    for (const call of this.#calls) call.cancel();
    this.#client.close();
    this.#sockets.destroy();
  }
}
