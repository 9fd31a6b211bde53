import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect as connectSocket } from "node:net";
import { status } from "@grpc/grpc-js";
import { GrpcFrameReader } from "./grpc-frames.ts";

export interface GrpcCallListener {
  onMessage(message: Buffer): void;
  /** It is over. Called once, and never from within a call to it. */
  onEnd(code: status, details: string): void;
}

export interface GrpcCallOptions {
  /** The longest message that is taken; a longer one ends the call. */
  readonly maxMessageBytes: number;
  /** The call ends with DEADLINE_EXCEEDED then, which the server is told, too. @default never */
  readonly timeoutMs?: number;
}

/** One call on a {@link GrpcSession}, of whichever kind. */
export interface GrpcCall {
  /** Takes what `grpcFrame` made. `onWritten` is called when HTTP/2's flow control has let it go. */
  write(frame: Buffer, onWritten?: () => void): void;
  /** Nothing more will be written. The other side may still answer. */
  endWriting(): void;
  /** Ends it at once; `onEnd` comes later. */
  cancel(): void;
}

const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH, HTTP2_HEADER_AUTHORITY, NGHTTP2_CANCEL } =
  constants;

/**
 * A gRPC connection without TLS to one server, straight on HTTP/2: grpc-js takes a publisher a whole
 * core for 5,000 unary pushes a second.
 */
export class GrpcSession {
  readonly #session: ClientHttp2Session;
  readonly #authority: string;

  /** @param address `host:port`, the host a name, an IPv4 address or an IPv6 address in brackets */
  constructor(address: string) {
    const portAt = address.lastIndexOf(":");
    const host = address.slice(0, portAt).replace(/^\[|\]$/g, "");
    const port = Number(address.slice(portAt + 1));
    this.#authority = address;
    // The socket is made here, because as a URL not every host name is taken.
    this.#session = connectHttp2("http://node", {
      createConnection: () => connectSocket({ host, port }),
      settings: { enablePush: false },
    });
    // The calls on it tell.
    this.#session.on("error", () => {});
  }

  /**
   * Begins a call; it may wait for the connection.
   *
   * @throws Error when the connection has ended, or its server takes no more calls
   */
  call(path: string, options: GrpcCallOptions, listener: GrpcCallListener): GrpcCall {
    const { timeoutMs } = options;
    const stream = this.#session.request({
      [HTTP2_HEADER_METHOD]: "POST",
      [HTTP2_HEADER_PATH]: path,
      [HTTP2_HEADER_AUTHORITY]: this.#authority,
      "content-type": "application/grpc",
      te: "trailers",
      ...(timeoutMs !== undefined && { "grpc-timeout": `${Math.ceil(timeoutMs)}m` }),
    });
    listen(stream, options, listener);
    return {
      write: (frame, onWritten) => {
        stream.write(frame, (error) => {
          if (!error) onWritten?.();
        });
      },
      endWriting: () => stream.end(),
      cancel: () => stream.close(NGHTTP2_CANCEL),
    };
  }

  /** Ends the connection at once, and all calls with it. */
  destroy(): void {
    this.#session.destroy();
  }
}

function listen(
  stream: ClientHttp2Stream,
  { maxMessageBytes, timeoutMs }: GrpcCallOptions,
  listener: GrpcCallListener,
): void {
  const frames = new GrpcFrameReader(maxMessageBytes);
  let httpStatus = 200;
  let trailers: IncomingHttpHeaders = {};
  let problem = "connection ended";
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  const endWith = (code: status, details: string) => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    listener.onEnd(code, details);
  };
  const end = () => {
    const code = trailers["grpc-status"];
    if (code !== undefined) endWith(Number(code), detailsOf(trailers["grpc-message"]));
    else if (httpStatus !== 200) endWith(status.UNAVAILABLE, `HTTP status ${httpStatus}`);
    else endWith(status.UNAVAILABLE, problem);
  };
  if (timeoutMs !== undefined) {
    timer = setTimeout(() => {
      stream.close(NGHTTP2_CANCEL);
      endWith(status.DEADLINE_EXCEEDED, `no answer within ${timeoutMs} ms`);
    }, timeoutMs);
  }
  stream.on("response", (headers) => {
    httpStatus = headers[":status"] ?? httpStatus;
    // Where there is no message the one block of headers is the trailers, too.
    trailers = headers;
  });
  stream.on("trailers", (headers) => {
    trailers = headers;
  });
  stream.on("data", (chunk: Buffer) => {
    if (ended) return;
    try {
      for (const message of frames.read(chunk)) listener.onMessage(message);
    } catch (error) {
      // Neither the server's bytes nor the listener may end the process.
      stream.destroy(error as Error);
    }
  });
  stream.on("error", (error) => {
    problem = error.message;
  });
  stream.on("end", end);
  stream.on("close", end);
}

/** gRPC sends details percent-encoded; what is not, is shown as it is. */
function detailsOf(message: string | string[] | undefined): string {
  const text = String(message ?? "");
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
