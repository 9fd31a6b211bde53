import { Client, status } from "@grpc/grpc-js";
import {
  ConnectNodeServiceService,
  type InspectRequest,
  type InspectResponse,
  type TailResponse,
} from "@pushcast/api";
import { type GrpcTls, OwnedSockets } from "@pushcast/runtime";
import { decodeNodeResponse, type NodeResponse } from "./node-response.ts";

/** What a connection tells. Nothing is called after `onEnd`, nor from within a call to it. */
export interface ConnectionListener {
  onResponse(response: NodeResponse): void;
  /** `write` has said false before, and takes more now. */
  onWritable(): void;
  /** It is over, by whichever side. */
  onEnd(reason: string): void;
}

/** A connection to one node, with a Deliver stream open on it. */
export interface NodeConnection {
  /** Takes the bytes of a DeliverRequest. False: wait for `onWritable`. */
  write(message: Buffer): boolean;
  /** Nothing more will be written. The node may still answer. */
  endWriting(): void;
  /** Ends it at once; `onEnd` is not called. */
  close(): void;
  /** @throws Error when the node does not answer in time */
  inspect(request: InspectRequest, timeoutMs: number): Promise<InspectResponse>;
  /** Reads along in a room, until the connection ends, the node does, or it is closed. */
  tail(roomId: string, listener: TailListener): TailStream;
}

/** What comes of one tail. Nothing is called after `onEnd`, nor after the stream was closed. */
export interface TailListener {
  onResponse(response: TailResponse): void;
  onEnd(reason: string): void;
}

export interface TailStream {
  /** `onEnd` is not called. */
  close(): void;
}

export type ConnectToNode = (grpcAddress: string, listener: ConnectionListener) => NodeConnection;

/** Bytes that may wait in a connection; a cursor that would put more there waits instead. */
const MAX_UNSENT_BYTES = 256 * 1024;

/** A DeliverResponse is a turn's outcomes, at some 10 bytes each. */
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

const OPTIONS = {
  // A connection of its own each time: the shared pool would hand out the one that just broke,
  // together with its reconnection back-off.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1000,
  // What fits the retry buffer counts as written before it is, also where retries are disabled.
  "grpc.enable_retries": 0,
  "grpc.per_rpc_retry_buffer_size": 0,
  "grpc.max_receive_message_length": MAX_RESPONSE_BYTES,
  "grpc.max_send_message_length": -1,
  "grpc.enable_channelz": 0,
  "grpc.service_config_disable_resolution": 1,
};

const { deliver, inspect, tail } = ConnectNodeServiceService;

/** How nodes are connected to with TLS. */
export interface NodeTls {
  readonly tls: GrpcTls;
  /** That a node's certificate must be for. */
  readonly serverName: string;
}

/** @param secure @default plain text */
export function nodeConnector(secure?: NodeTls): ConnectToNode {
  return (grpcAddress, listener) => connectToNode(grpcAddress, listener, secure);
}

/** Opens a gRPC connection and its Deliver stream. Returns at once; a failure comes as `onEnd`. */
function connectToNode(
  grpcAddress: string,
  listener: ConnectionListener,
  secure: NodeTls | undefined,
): NodeConnection {
  const sockets = new OwnedSockets(secure && (() => secure.tls.credentialsFor(secure.serverName)));
  const client = new Client(grpcAddress, sockets, {
    ...OPTIONS,
    // Else it is the address, which TLS does not take for a name.
    ...(secure && { "grpc.ssl_target_name_override": secure.serverName }),
  });
  const stream = client.makeBidiStreamRequest(
    deliver.path,
    (message: Buffer) => message,
    decodeNodeResponse,
  );
  let unsentBytes = 0;
  let blocked = false;
  let ended = false;

  const end = (reason: string) => {
    if (ended) return;
    ended = true;
    client.close();
    sockets.destroy();
    listener.onEnd(reason);
  };
  stream.on("data", (response: NodeResponse) => {
    if (!ended) listener.onResponse(response);
  });
  stream.on("error", (error) => end(error.message));
  stream.on("status", ({ code, details }) => end(details || (status[code] ?? String(code))));

  return {
    write(message) {
      unsentBytes += message.byteLength;
      stream.write(message, () => {
        unsentBytes -= message.byteLength;
        if (blocked && !ended && unsentBytes < MAX_UNSENT_BYTES) {
          blocked = false;
          listener.onWritable();
        }
      });
      blocked = unsentBytes >= MAX_UNSENT_BYTES;
      return !blocked;
    },
    endWriting: () => stream.end(),
    close() {
      if (ended) return;
      ended = true;
      stream.cancel();
      client.close();
      sockets.destroy();
    },
    inspect: (request, timeoutMs) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          inspect.path,
          inspect.requestSerialize,
          inspect.responseDeserialize,
          request,
          { deadline: Date.now() + timeoutMs },
          (error, response) => {
            if (response === undefined) reject(error ?? new Error("no response"));
            else resolve(response);
          },
        );
      }),
    tail: (roomId, listener) => openTail(client, roomId, listener),
  };
}

function openTail(client: Client, roomId: string, listener: TailListener): TailStream {
  let isOver = false;
  const stream = client.makeServerStreamRequest(
    tail.path,
    tail.requestSerialize,
    tail.responseDeserialize,
    { roomId },
  );
  stream.on("data", (response: TailResponse) => {
    if (!isOver) listener.onResponse(response);
  });
  // What it says stands in the status as well.
  stream.on("error", () => {});
  stream.on("status", ({ code, details }) => {
    if (isOver) return;
    isOver = true;
    listener.onEnd(details || (status[code] ?? String(code)));
  });
  return {
    close: () => {
      isOver = true;
      stream.cancel();
    },
  };
}
