import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import {
  Client,
  type ClientDuplexStream,
  credentials,
  type Metadata,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import {
  ConnectNodeServiceService,
  DeliverRequest,
  ManagerHello,
  Publication,
  PushManagerServiceService,
  PushStreamResponse,
  type StreamPush,
} from "@pushcast/api";
import { messageField } from "@pushcast/log";
import { describe, expect } from "vitest";
import { refusal } from "../support/manager-client.ts";
import { it, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
const NOT_UTF8 = Buffer.from([0x72, 0xff]);
const asBytes = (bytes: Buffer) => bytes;

/** A connection of its own, on which a test sends the bytes of messages. */
function connect(stage: Stage, address: string): Client {
  const client = new Client(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  stage.atEnd(() => client.close());
  return client;
}

function openStream(client: Client, path: string): ClientDuplexStream<Buffer, Buffer> {
  const stream = client.makeBidiStreamRequest(path, asBytes, asBytes);
  // Its status says the same.
  stream.on("error", () => {});
  return stream;
}

const ended = (stream: ClientDuplexStream<Buffer, Buffer>): Promise<StatusObject> =>
  new Promise((resolve) => {
    stream.once("status", resolve);
    stream.resume();
  });

const nameOf = (metadata: Metadata) => metadata.get("pushcast-code")[0]?.toString();

/** The refusal of a unary call with these bytes. */
function call(client: Client, path: string, bytes: Buffer) {
  return refusal(
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, asBytes, asBytes, bytes, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    }),
  );
}

describe("a push-manager", { timeout: 60_000 }, () => {
  const { pushStream, pushToRoom } = PushManagerServiceService;

  it("takes no more for messages of empty pushes than their bytes", async ({ stage }) => {
    const HEAP_MIB = 128;
    const { manager, publisher } = await stage.cluster(1, {
      manager: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` },
    });
    const EMPTY_PUSH = messageField(1, Buffer.alloc(0));
    const message = Buffer.alloc(4 * MIB - 16, EMPTY_PUSH);
    const streams = Array.from({ length: 10 }, () =>
      openStream(connect(stage, manager.grpcAddress), pushStream.path),
    );
    for (const stream of streams) {
      stream.write(message);
      stream.write(message);
      // Its first results are there: the manager is at it.
      await once(stream, "data");
      stream.pause();
    }
    const { report } = await publisher.pushToRoom({ roomId: "r", content: "beside it" });
    expect(report.nodesAcked).toBe(1);
    expect((await manager.metrics()).value("nodejs_heap_size_used_bytes")).toBeLessThan(
      HEAP_MIB * MIB,
    );
    for (const stream of streams) stream.cancel();
    const open = async () => (await manager.metrics()).value("push_manager_push_streams");
    await until("no stream is open", async () => (await open()) === 0);
  });

  it("answers what came before a message that cannot be read, and ends the stream", async ({
    stage,
  }) => {
    const { manager } = await stage.cluster(1);
    const push: StreamPush = {
      requestId: "first",
      push: {
        $case: "pushToRoom",
        value: { ...EMPTY, roomId: "r", content: Buffer.from("it is taken") },
      },
    };
    for (const broken of [NOT_UTF8, messageField(1, messageField(1, NOT_UTF8))]) {
      const stream = openStream(connect(stage, manager.grpcAddress), pushStream.path);
      const received: Buffer[] = [];
      stream.on("data", (bytes: Buffer) => received.push(bytes));
      const end = ended(stream);
      stream.write(Buffer.concat([pushStream.requestSerialize({ pushes: [push] }), broken]));
      const { code, metadata } = await end;
      expect([code, nameOf(metadata)]).toEqual([status.INVALID_ARGUMENT, "REQUEST_MALFORMED"]);
      const results = received.flatMap((bytes) => PushStreamResponse.decode(bytes).results);
      expect(results).toMatchObject([{ requestId: "first", code: status.OK }]);
    }
  });

  it("opens no more than MAX_PUSH_STREAMS", async ({ stage }) => {
    const { manager, publisher } = await stage.cluster(1, { manager: { MAX_PUSH_STREAMS: 2 } });
    const client = connect(stage, manager.grpcAddress);
    const gauge = async () => (await manager.metrics()).value("push_manager_push_streams");
    const streams = [
      openStream(client, pushStream.path),
      openStream(client, pushStream.path),
    ] as const;
    await until("both are open", async () => (await gauge()) === 2);
    const { code, metadata } = await ended(openStream(client, pushStream.path));
    expect([code, nameOf(metadata)]).toEqual([status.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS"]);
    expect((await manager.metrics()).value("push_manager_refused_streams_total")).toBe(1);
    streams[0].end();
    await until("one is open", async () => (await gauge()) === 1);
    expect(await publisher.pushStream([{ requestId: "", push: undefined }], 1)).toHaveLength(1);
    streams[1].cancel();
  });

  it("refuses ids that are not UTF-8, as does a node", async ({ stage }) => {
    const { manager, nodes } = await stage.cluster(1);
    const malformed = { code: status.INVALID_ARGUMENT, pushcastCode: "REQUEST_MALFORMED" };
    const roomId = messageField(1, NOT_UTF8);
    const toManager = connect(stage, manager.grpcAddress);
    expect(await call(toManager, pushToRoom.path, roomId)).toMatchObject(malformed);
    const toNode = connect(stage, nodes[0]?.grpcAddress ?? "");
    const { pushMessageBatch, inspect } = ConnectNodeServiceService;
    expect(await call(toNode, pushMessageBatch.path, roomId)).toMatchObject(malformed);
    expect(await call(toNode, inspect.path, roomId)).toMatchObject(malformed);
    expect(await call(toNode, inspect.path, Buffer.from([0x0a, 0x05]))).toMatchObject(malformed);
  });

  it("has the calls of gRPC's own client wait that are more than GRPC_MAX_CALLS", async ({
    stage,
  }) => {
    const { publisher } = await stage.cluster(1, { manager: { GRPC_MAX_CALLS: 20 } });
    const CALLS = 1_000;
    const pushed = await Promise.all(
      Array.from({ length: CALLS }, (_, n) =>
        publisher.pushToRoom({ roomId: "r", content: `${n}` }),
      ),
    );
    expect(new Set(pushed.map(({ messageId }) => messageId)).size).toBe(CALLS);
  });
});

it("a node ends the link of a manager that reads no acknowledgements", async ({ stage }) => {
  const { nodes, publisher } = await stage.cluster(1, {
    node: { LINK_MAX_UNREAD_OUTCOMES: 20_000, LOG_LEVEL: "warn" },
  });
  const [node] = nodes;
  if (node === undefined) throw new Error("a node is needed");

  const epoch = "00000000000000aa";
  // gRPC's own client reads ahead; this one takes no byte of the answers.
  const session = connectHttp2(`http://${node.grpcAddress}`);
  stage.atEnd(() => session.destroy());
  session.on("error", () => {});
  const link = session.request({
    ":method": "POST",
    ":path": ConnectNodeServiceService.deliver.path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  link.on("error", () => {});
  const send = (message: Partial<DeliverRequest>) => {
    const body = DeliverRequest.encode(DeliverRequest.fromPartial(message)).finish();
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    link.write(Buffer.concat([head, body]));
  };
  const hello = ManagerHello.fromPartial({ epoch, managerId: "deaf" });
  send({ hello });
  const TOGETHER = 5_000;
  let seq = 0;
  const unread = async () => (await node.metrics()).value("connect_node_unread_links_total");
  await until("the link is ended", async () => {
    const publications = Array.from({ length: TOGETHER }, () => {
      seq += 1;
      return Publication.fromPartial({
        epoch,
        seq: BigInt(seq),
        // A repeat is an outcome, and nobody gets it.
        idempotencyKey: "the same",
      });
    });
    send({ afterSeq: BigInt(seq - TOGETHER), throughSeq: BigInt(seq), publications });
    return (await unread()) === 1;
  });
  expect((await node.metrics()).value("connect_node_links")).toBe(1);
  expect(node.process.logLines.map(({ msg }) => msg)).toContain(
    "a push-manager does not read acknowledgements",
  );
  link.destroy();
  const { report } = await publisher.pushToRoom({ roomId: "r", content: "of another manager" });
  expect(report.nodesAcked).toBe(1);
});

const EMPTY = {
  content: Buffer.alloc(0),
  contentType: "",
  idempotencyKey: "",
  excludeUserIds: [],
  ephemeral: false,
  wait: 0 as const,
};
