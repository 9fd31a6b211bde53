import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { ConnectNodeServiceService, DeliverResponse } from "@pushcast/api";
import {
  type DeliverMessage,
  decodeDeliverMessage,
} from "../../services/connect-node/src/deliver-message.ts";
import { acknowledgement } from "./acknowledgement.ts";
import { GrpcFrameReader, grpcFrame } from "./grpc-frames.ts";

const HEARTBEAT_MS = 1_000;
const UNIMPLEMENTED = "12";

/**
 * The node's side of Deliver and nothing else: one acknowledgement a turn, with an outcome for every
 * publication, and heartbeats. It is HTTP/2 without a gRPC library, so that many fit on a core.
 */
export class Receiver {
  publications = 0;
  holes = 0;
  messages = 0;
  readonly #nodeId: string;
  readonly #server: Http2Server = createServer();

  constructor(nodeId: string) {
    this.#nodeId = nodeId;
    this.#server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      if (headers[":path"] === ConnectNodeServiceService.deliver.path) this.#deliver(stream);
      else refuse(stream);
    });
  }

  /** Returns its address. */
  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #deliver(stream: ServerHttp2Stream): void {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    const frames = new GrpcFrameReader(Number.POSITIVE_INFINITY);
    let headSeq: number | undefined;
    let ackedSeq = 0;
    let ackIsDue = false;
    const acknowledge = () => {
      if (stream.destroyed || headSeq === undefined) return;
      ackIsDue = false;
      stream.write(grpcFrame([acknowledgement(ackedSeq, headSeq)]));
      ackedSeq = headSeq;
    };
    stream.on("data", (chunk: Buffer) => {
      for (const bytes of frames.read(chunk)) {
        const message = decodeDeliverMessage(bytes);
        if (headSeq === undefined) {
          headSeq = Number(message.hello?.tailSeq);
          ackedSeq = headSeq;
          stream.write(grpcFrame([this.#hello(headSeq)]));
        } else if (message.throughSeq > headSeq) {
          this.#count(message, headSeq);
          headSeq = message.throughSeq;
          if (!ackIsDue) setImmediate(acknowledge);
          ackIsDue = true;
        }
      }
    });
    const heartbeats = setInterval(acknowledge, HEARTBEAT_MS);
    stream.on("close", () => clearInterval(heartbeats));
  }

  #count({ afterSeq, publications }: DeliverMessage, headSeq: number): void {
    this.messages += 1;
    this.publications += publications.length;
    if (afterSeq !== headSeq) this.holes += 1;
  }

  #hello(haveSeq: number): Uint8Array {
    const hello = {
      nodeId: this.#nodeId,
      version: "receiver",
      haveSeq: BigInt(haveSeq),
      knowsEpoch: true,
    };
    const response = { hello, throughSeq: 0n, outcomes: [], closing: false };
    return DeliverResponse.encode(response).finish();
  }
}

function refuse(stream: ServerHttp2Stream): void {
  stream.respond(
    { ":status": 200, "content-type": "application/grpc", "grpc-status": UNIMPLEMENTED },
    { endStream: true },
  );
}
