import { clientCodec, JSON_SUBPROTOCOL, type ServerFrame } from "@pushcast/wire";
import { WebSocket } from "ws";
import { errorWords } from "../frame/error-words.ts";

export interface BenchClientInit {
  readonly url: string;
  readonly room: string;
  /** Sent as a bearer token. @default none */
  readonly token?: string;
  /** PEM. @default the CAs that Node trusts */
  readonly ca?: Buffer;
  readonly timeoutMs: number;
  /** Gets the bytes of each frame, once the client is in its room. */
  readonly onFrame: (frame: Buffer) => void;
  /** The connection ended by no decision of this side. */
  readonly onLost: () => void;
}

/** What became of one try to connect. */
export type Connecting =
  | { readonly connected: BenchClient }
  | {
      readonly connected?: undefined;
      /** HTTP's; undefined if there was no answer. */
      readonly status: number | undefined;
      readonly retryAfterSeconds: number | undefined;
      readonly problem: string;
    };

const codec = clientCodec(JSON_SUBPROTOCOL);

/** A session in one room, that hands on the bytes of what it gets. */
export class BenchClient {
  readonly #socket: WebSocket;
  #isEnded = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Resolves once the client is in its room, or cannot be. */
  static open(init: BenchClientInit): Promise<Connecting> {
    const { url, room, token, ca, timeoutMs, onFrame, onLost } = init;
    const socket = new WebSocket(url, JSON_SUBPROTOCOL, {
      perMessageDeflate: false,
      skipUTF8Validation: true,
      handshakeTimeout: timeoutMs,
      ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
      ...(ca && { ca }),
    });
    const client = new BenchClient(socket);
    return new Promise((resolve) => {
      let isJoined = false;
      const timer = setTimeout(() => refuse("no answer to the join in time"), timeoutMs);
      const refuse = (problem: string, status?: number, retryAfter?: string) => {
        clearTimeout(timer);
        const retryAfterSeconds = retryAfter === undefined ? undefined : Number(retryAfter);
        resolve({ status, retryAfterSeconds, problem });
        client.#isEnded = true;
        socket.terminate();
      };
      socket.on("error", (error) => refuse(errorWords(error)));
      socket.once("unexpected-response", (_request, response) => {
        const { statusCode = 0, headers } = response;
        response.resume();
        refuse(`HTTP ${statusCode}`, statusCode, headers["retry-after"]);
      });
      socket.once("open", () => {
        socket.send(codec.encode({ type: "join", id: 1, room }), { binary: codec.binary });
      });
      socket.on("message", (data) => {
        if (isJoined) {
          onFrame(data as Buffer);
          return;
        }
        const answer = answerIn(data as Buffer);
        if (answer === undefined) return;
        if (answer.type === "error") {
          refuse(`${answer.code}: ${answer.message}`);
          return;
        }
        isJoined = true;
        clearTimeout(timer);
        resolve({ connected: client });
      });
      socket.once("close", () => {
        if (isJoined && !client.#isEnded) onLost();
        else refuse("the connection was closed");
      });
    });
  }

  end(): void {
    this.#isEnded = true;
    this.#socket.terminate();
  }
}

/** The frame that answers the join; others come before it. */
function answerIn(data: Buffer): Extract<ServerFrame, { type: "joined" | "error" }> | undefined {
  const decoded = codec.decode(data, false);
  if (!decoded.ok) return undefined;
  const { frame } = decoded;
  return frame.type === "joined" || frame.type === "error" ? frame : undefined;
}
