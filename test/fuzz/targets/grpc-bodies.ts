import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { status } from "@grpc/grpc-js";
import {
  BroadcastMessageRequest,
  ConnectNodeServiceService,
  DeliverRequest,
  DisconnectUserRequest,
  JoinRoomRequest,
  ManagerHello,
  Publication,
  PushManagerServiceService,
  PushMessageBatchRequest,
  PushStreamRequest,
  PushToRoomRequest,
  PushToUserRequest,
  ReplicateRequest,
  TailRequest,
  type Wait,
} from "@pushcast/api";
import { type FuzzTarget, must, type OpenTarget } from "../fuzz-target.ts";
import { LiveSystem } from "../live-system.ts";
import type { RandomInput } from "../random-input.ts";

const EPOCHS = ["00000000000000f1", "00000000000000f2", "no epoch"];
/** What no input may bring about: a fault of the server's own, or an answer that says nothing. */
const FAULTS: readonly number[] = [status.UNKNOWN, status.DATA_LOSS];
const TAIL = ConnectNodeServiceService.tail.path;
const METHODS = [
  ...Object.values(PushManagerServiceService).map((method) => ({ method, isNode: false })),
  ...Object.values(ConnectNodeServiceService).map((method) => ({ method, isNode: true })),
];

/** Bodies of calls to both services, over HTTP/2. */
export const grpcBodies: FuzzTarget = {
  name: "grpc-bodies",
  share: 0.02,
  batch: 20,
  open: async () => {
    const system = await LiveSystem.start();
    return new CallsUnderFire(system);
  },
};

class CallsUnderFire implements OpenTarget {
  readonly #system: LiveSystem;
  readonly #sessions: { manager: ClientHttp2Session; node: ClientHttp2Session };

  constructor(system: LiveSystem) {
    this.#system = system;
    this.#sessions = { manager: open(system.managerPort), node: open(system.nodePort) };
  }

  async give(input: RandomInput): Promise<void> {
    const { method, isNode } = input.pick(METHODS);
    const messages = Array.from({ length: 1 + input.nat(3) }, () => framed(input, method.path));
    const answered = await this.#call(isNode, method.path, Buffer.concat(messages));
    must(!FAULTS.includes(answered), `${method.path} answered ${status[answered]}`);
  }

  check(): Promise<void> {
    return this.#system.check();
  }

  async close(): Promise<void> {
    this.#sessions.manager.destroy();
    this.#sessions.node.destroy();
    await this.#system.close();
  }

  /** The status; CANCELLED where the server reset the stream. */
  async #call(isNode: boolean, path: string, body: Buffer): Promise<status> {
    const stream = this.#session(isNode).request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    let answered: status = status.CANCELLED;
    const note = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] !== undefined) answered = Number(headers["grpc-status"]);
    };
    stream
      .on("response", note)
      .on("trailers", note)
      .on("error", () => {});
    stream.resume();
    // A tail has no end of its own.
    if (path === TAIL) stream.once("data", () => stream.close(constants.NGHTTP2_CANCEL));
    stream.end(body);
    await once(stream, "close");
    return answered;
  }

  /** The server may end a connection for what came on it. */
  #session(isNode: boolean): ClientHttp2Session {
    const name = isNode ? "node" : "manager";
    if (this.#sessions[name].destroyed || this.#sessions[name].closed) {
      this.#sessions[name] = open(isNode ? this.#system.nodePort : this.#system.managerPort);
    }
    return this.#sessions[name];
  }
}

function open(port: number): ClientHttp2Session {
  return connect(`http://127.0.0.1:${port}`).on("error", () => {});
}

/** A gRPC message: a byte, four of length, and the rest. */
function framed(input: RandomInput, path: string): Buffer {
  const valid = Buffer.from(request(input, path));
  const body = input.chance(0.5) ? input.mutated(valid) : valid;
  const head = Buffer.alloc(5);
  head[0] = input.chance(0.95) ? 0 : input.byte();
  head.writeUInt32BE(input.chance(0.95) ? body.length : input.nat(2 ** 32), 1);
  return Buffer.concat([head, body]);
}

function request(input: RandomInput, path: string): Uint8Array {
  switch (path.split("/").at(-1)) {
    case "PushToRoom":
      return PushToRoomRequest.encode(PushToRoomRequest.fromPartial(push(input))).finish();
    case "PushToUser":
      return PushToUserRequest.encode(PushToUserRequest.fromPartial(push(input))).finish();
    case "BroadcastMessage":
      return BroadcastMessageRequest.encode(
        BroadcastMessageRequest.fromPartial(push(input)),
      ).finish();
    case "PushStream":
      return PushStreamRequest.encode(
        PushStreamRequest.fromPartial({
          pushes: Array.from({ length: input.nat(5) }, () => ({
            requestId: input.text(),
            push: {
              $case: "pushToRoom" as const,
              value: PushToRoomRequest.fromPartial(push(input)),
            },
          })),
        }),
      ).finish();
    case "DisconnectUser":
      return DisconnectUserRequest.encode({
        userId: "nobody",
        code: input.nat(6_000),
        reason: input.text(),
        revokeTokens: input.chance(0.5),
      }).finish();
    case "PushMessageBatch":
      return PushMessageBatchRequest.encode(
        PushMessageBatchRequest.fromPartial({ ...push(input), userIds: [input.text()] }),
      ).finish();
    case "Deliver":
      return deliver(input);
    case "Replicate":
      return ReplicateRequest.encode(
        ReplicateRequest.fromPartial({
          after: [{ epoch: input.pick(EPOCHS), seq: BigInt(input.nat(1_000)) }],
          maxBytes: BigInt(input.nat(1_000)),
        }),
      ).finish();
    case "Tail":
      return TailRequest.encode({ roomId: input.text() }).finish();
    default:
      return JoinRoomRequest.encode({ userId: "nobody", roomId: input.text() }).finish();
  }
}

function push(input: RandomInput) {
  return {
    roomId: input.text(),
    userId: input.text(),
    content: input.bytes(60),
    contentType: input.pick(["", "text/plain", "application/json", "audio/ogg", "x"]),
    idempotencyKey: input.chance(0.5) ? "" : input.text(),
    excludeUserIds: input.chance(0.8) ? [] : [input.text()],
    ephemeral: input.chance(0.5),
    wait: input.nat(4) as Wait,
  };
}

function deliver(input: RandomInput): Uint8Array {
  const epoch = input.pick(EPOCHS);
  const seq = BigInt(input.nat(100));
  const hello = ManagerHello.fromPartial({ epoch, headSeq: seq });
  const { wait: _, userId: __, ...fields } = push(input);
  return DeliverRequest.encode(
    DeliverRequest.fromPartial({
      ...(input.chance(0.5) ? { hello } : {}),
      afterSeq: BigInt(input.nat(100)),
      throughSeq: seq,
      publications: [Publication.fromPartial({ ...fields, epoch, seq, atMs: BigInt(Date.now()) })],
    }),
  ).finish();
}
