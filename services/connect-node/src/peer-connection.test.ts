import { Server, ServerCredentials, type ServerWritableStream, status } from "@grpc/grpc-js";
import { ReplicateRequest } from "@pushcast/api";
import { describe, expect, onTestFinished, test } from "vitest";
import { nodeServiceDefinition } from "./node-service.ts";
import { type PeerConnection, peerConnector } from "./peer-connection.ts";
import {
  encodeReplicateMessage,
  ReplicateError,
  type ReplicateMessage,
} from "./replicate-message.ts";

type Call = ServerWritableStream<ReplicateRequest, Buffer>;

const REQUEST = ReplicateRequest.fromPartial({});
const MAX_MESSAGE_BYTES = 1024;

/** A connection to a peer that answers so. */
async function connectTo(answer: (call: Call) => void): Promise<PeerConnection> {
  const server = new Server();
  const { replicate } = nodeServiceDefinition;
  server.addService({ replicate }, { replicate: answer });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const connection = peerConnector(MAX_MESSAGE_BYTES)(`127.0.0.1:${port}`);
  onTestFinished(() => {
    connection.close();
    server.forceShutdown();
  });
  return connection;
}

/** A message that is told from others by its age. */
function bytesOf(logAgeMs: number): Buffer {
  return encodeReplicateMessage({ epochs: [], publications: [], done: false, logAgeMs });
}

function recorder() {
  const ages: number[] = [];
  return { ages, onMessage: ({ logAgeMs }: ReplicateMessage) => void ages.push(logAgeMs) };
}

test("the messages of an answer come one by one, in order", async () => {
  const connection = await connectTo((call) => {
    for (const age of [1, 2, 3]) call.write(bytesOf(age));
    call.end();
  });
  const { ages, onMessage } = recorder();
  await connection.replicate(REQUEST, onMessage);
  expect(ages).toEqual([1, 2, 3]);
});

describe("nothing comes after a fault, though the peer has sent more:", () => {
  test("bytes that are no message", async () => {
    const connection = await connectTo((call) => {
      for (const bytes of [bytesOf(1), Buffer.from("HTTP/1.1"), bytesOf(3)]) call.write(bytes);
      call.end();
    });
    const { ages, onMessage } = recorder();
    await expect(connection.replicate(REQUEST, onMessage)).rejects.toThrow(ReplicateError);
    expect(ages).toEqual([1]);
  });

  test("a listener that throws", async () => {
    const connection = await connectTo((call) => {
      for (const age of [1, 2, 3]) call.write(bytesOf(age));
      call.end();
    });
    const { ages, onMessage } = recorder();
    const reading = connection.replicate(REQUEST, (message) => {
      onMessage(message);
      if (message.logAgeMs === 2) throw new Error("no more");
    });
    await expect(reading).rejects.toThrow("no more");
    // What has been received until another call is answered would have come by now.
    await expect(connection.replicate(REQUEST, () => {})).resolves.toBeUndefined();
    expect(ages).toEqual([1, 2]);
  });
});

test("a call fails with what the peer says", async () => {
  const connection = await connectTo((call) => {
    call.emit("error", { code: status.UNIMPLEMENTED, details: "an older version" });
  });
  await expect(connection.replicate(REQUEST, () => {})).rejects.toMatchObject({
    code: status.UNIMPLEMENTED,
  });
});

test("a message that is too large fails the call", async () => {
  const connection = await connectTo((call) => {
    call.write(Buffer.alloc(MAX_MESSAGE_BYTES + 1));
    call.end();
  });
  await expect(connection.replicate(REQUEST, () => {})).rejects.toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
  });
});

test("a peer that is not there fails the call at once", async () => {
  const connection = peerConnector(MAX_MESSAGE_BYTES)("127.0.0.1:1");
  onTestFinished(() => connection.close());
  await expect(connection.replicate(REQUEST, () => {})).rejects.toMatchObject({
    code: status.UNAVAILABLE,
  });
});

test("a close ends what is under way, and may come twice", async () => {
  let connection: PeerConnection | undefined;
  connection = await connectTo((call) => call.write(bytesOf(1)));
  const reading = connection.replicate(REQUEST, () => {
    connection?.close();
    connection?.close();
  });
  await expect(reading).rejects.toMatchObject({ code: status.CANCELLED });
});
