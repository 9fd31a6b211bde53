import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { grpcFrame } from "./grpc-frames.ts";
import { type GrpcCall, GrpcSession } from "./grpc-session.ts";

const MAX_BYTES = 1000;
const GRPC = { ":status": 200, "content-type": "application/grpc" };

let server: Http2Server | undefined;
let session: GrpcSession | undefined;
/** What each call said of its time. */
const timeouts: unknown[] = [];

afterEach(async () => {
  session?.destroy();
  session = undefined;
  timeouts.length = 0;
  if (server === undefined) return;
  server.close();
  await once(server, "close");
  server = undefined;
});

/** A server that does this with each call. Returns its port. */
async function serve(handle: (stream: ServerHttp2Stream) => void, host: string): Promise<number> {
  server = createServer();
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    timeouts.push(headers["grpc-timeout"]);
    handle(stream);
  });
  server.listen(0, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

interface Called {
  readonly call: GrpcCall;
  readonly messages: string[];
  readonly end: Promise<{ code: status; details: string }>;
}

function callAt(address: string, timeoutMs?: number): Called {
  session = new GrpcSession(address);
  const messages: string[] = [];
  let call: GrpcCall | undefined;
  const end = new Promise<{ code: status; details: string }>((resolve) => {
    const options = { maxMessageBytes: MAX_BYTES, ...(timeoutMs !== undefined && { timeoutMs }) };
    call = session?.call("/any", options, {
      onMessage: (message) => messages.push(String(message)),
      onEnd: (code, details) => resolve({ code, details }),
    });
  });
  return { call: call as GrpcCall, messages, end };
}

async function callTo(
  handle: (stream: ServerHttp2Stream) => void,
  host = "127.0.0.1",
  timeoutMs?: number,
): Promise<Called> {
  const port = await serve(handle, host);
  return callAt(`${host.includes(":") ? `[${host}]` : host}:${port}`, timeoutMs);
}

/** Sends back what comes, and ends as told. */
function echo(trailers: Record<string, string>) {
  return (stream: ServerHttp2Stream) => {
    stream.respond(GRPC, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.pipe(stream);
  };
}

describe("a call", () => {
  test.each(["127.0.0.1", "::1", "localhost"])("goes to %s and back", async (host) => {
    const { call, messages, end } = await callTo(echo({ "grpc-status": "0" }), host);
    call.write(grpcFrame([Buffer.from("a")]));
    call.write(grpcFrame([Buffer.from("b")]));
    call.endWriting();
    expect(await end).toEqual({ code: status.OK, details: "" });
    expect(messages).toEqual(["a", "b"]);
  });

  test("ends with the status and the details that the server gave it", async () => {
    const trailers = { "grpc-status": "10", "grpc-message": "node%20%C3%BC" };
    const { call, end } = await callTo(echo(trailers));
    call.endWriting();
    expect(await end).toEqual({ code: status.ABORTED, details: "node ü" });
  });

  test("ends with the status of a server that answers with that alone", async () => {
    const { end } = await callTo((stream) => {
      const headers = { ...GRPC, "grpc-status": "12", "grpc-message": "50% of it" };
      stream.respond(headers, { endStream: true });
    });
    expect(await end).toEqual({ code: status.UNIMPLEMENTED, details: "50% of it" });
  });

  test("to what is no gRPC server is UNAVAILABLE with the HTTP status", async () => {
    const { end } = await callTo((stream) =>
      stream.respond({ ":status": 404 }, { endStream: true }),
    );
    expect(await end).toEqual({ code: status.UNAVAILABLE, details: "HTTP status 404" });
  });

  test("ends when the connection does", async () => {
    const { end } = await callTo((stream) => stream.session?.destroy());
    expect((await end).code).toBe(status.UNAVAILABLE);
  });

  test("ends when nobody listens there", async () => {
    const port = await serve(() => {}, "127.0.0.1");
    server?.close();
    await once(server as Http2Server, "close");
    server = undefined;
    const { end } = callAt(`127.0.0.1:${port}`);
    expect(await end).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test("ends at a message over the limit, and its process goes on", async () => {
    const { messages, end } = await callTo((stream) => {
      stream.respond(GRPC);
      stream.write(grpcFrame([Buffer.alloc(MAX_BYTES + 1)]));
    });
    const { code, details } = await end;
    expect({ code, details, messages }).toEqual({
      code: status.UNAVAILABLE,
      details: `a message of ${MAX_BYTES + 1} bytes; the limit is ${MAX_BYTES}`,
      messages: [],
    });
  });

  test("that is not answered in time ends on both sides, and the server knew the time", async () => {
    let onOpen: (stream: ServerHttp2Stream) => void = () => {};
    const opened = new Promise<ServerHttp2Stream>((resolve) => {
      onOpen = resolve;
    });
    const { end } = await callTo(
      (stream) => {
        stream.respond(GRPC);
        onOpen(stream);
      },
      "127.0.0.1",
      200,
    );
    const closed = once(await opened, "close");
    expect(await end).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await closed;
    expect(timeouts).toEqual(["200m"]);
  });

  test("that is cancelled ends on both sides", async () => {
    let onOpen: (stream: ServerHttp2Stream) => void = () => {};
    const opened = new Promise<ServerHttp2Stream>((resolve) => {
      onOpen = resolve;
    });
    const { call, end } = await callTo((stream) => {
      stream.respond(GRPC);
      onOpen(stream);
    });
    const closed = once(await opened, "close");
    call.cancel();
    await closed;
    expect((await end).code).toBe(status.UNAVAILABLE);
  });
});
