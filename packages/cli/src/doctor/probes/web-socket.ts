import { once } from "node:events";
import {
  clientCodec,
  JSON_SUBPROTOCOL,
  type MessageFrame,
  PROTO_SUBPROTOCOL,
  type ServerFrame,
  type WelcomeFrame,
} from "@pushcast/wire";
import { type ClientOptions, type RawData, WebSocket } from "ws";
import { errorWords } from "../../frame/error-words.ts";

/** Who connects. */
export interface SocketIdentity {
  /** A token; else `?user_id=` is sent. */
  readonly token: string | undefined;
  readonly userId: string;
}

export interface SocketInit {
  readonly url: string;
  readonly identity: SocketIdentity;
  /** PEM. @default the CAs that Node trusts */
  readonly ca?: Buffer;
  readonly timeoutMs: number;
}

/** What a WebSocket handshake came to. */
export type SocketOpening =
  | {
      readonly opened: false;
      /** HTTP's, if there was an answer. */
      readonly status?: number;
      /** Of pushcast's own answer: "NODE_FULL". */
      readonly code?: string;
      readonly retryAfterSeconds?: number;
      readonly server?: string;
      readonly problem: string;
    }
  | {
      readonly opened: true;
      readonly subprotocol: string;
      /** As the server chose them; empty for none. */
      readonly extensions: string;
      readonly openMs: number;
      /** Undefined if none came in time. */
      readonly welcome: WelcomeFrame | undefined;
      readonly client: TestClient;
    };

const MAX_BODY_CHARS = 4_096;

/** A client for one test: it says what comes, and keeps no positions. */
export class TestClient {
  readonly #socket: WebSocket;
  readonly #timeoutMs: number;
  readonly #codec = clientCodec(JSON_SUBPROTOCOL);
  readonly #frames: ServerFrame[] = [];
  #closed: string | undefined;
  #listener: () => void = () => {};

  constructor(socket: WebSocket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on("message", (data: RawData, isBinary: boolean) => {
      const decoded = this.#codec.decode(data as Buffer, isBinary);
      if (decoded.ok) this.#frames.push(decoded.frame);
      this.#listener();
    });
    socket.on("close", (code, reason) => {
      this.#closed = `closed with ${code} ${reason.toString()}`.trim();
      this.#listener();
    });
  }

  /** The messages that came, in their order. */
  get messages(): readonly MessageFrame[] {
    return this.#frames.filter((frame) => frame.type === "message");
  }

  welcome(): Promise<WelcomeFrame | undefined> {
    return this.#first((frame): frame is WelcomeFrame => frame.type === "welcome");
  }

  /** @returns undefined once joined, else why not */
  async join(room: string): Promise<string | undefined> {
    this.#socket.send(this.#codec.encode({ type: "join", id: 1, room }), { binary: false });
    const answer = await this.#first((frame) => frame.type === "joined" || frame.type === "error");
    if (answer === undefined) return this.#closed ?? "no answer to the join in time";
    return answer.type === "error" ? `${answer.code}: ${answer.message}` : undefined;
  }

  /** The first message with this content; undefined if none comes in time. */
  message(content: string): Promise<MessageFrame | undefined> {
    return this.#first(
      (frame): frame is MessageFrame =>
        frame.type === "message" && Buffer.from(frame.content).toString() === content,
    );
  }

  async close(): Promise<void> {
    if (this.#closed !== undefined) return;
    const closed = once(this.#socket, "close");
    this.#socket.close(1000);
    const timer = setTimeout(() => this.#socket.terminate(), this.#timeoutMs);
    await closed;
    clearTimeout(timer);
  }

  async #first<Frame extends ServerFrame>(
    matches: ((frame: ServerFrame) => frame is Frame) | ((frame: ServerFrame) => boolean),
  ): Promise<Frame | undefined> {
    const find = () => this.#frames.find(matches) as Frame | undefined;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#timeoutMs);
      this.#listener = () => {
        if (find() !== undefined || this.#closed !== undefined) resolve();
      };
      this.#listener();
    });
    clearTimeout(timer);
    return find();
  }
}

/** Opens a session as a client would: both subprotocols offered, and compression too. */
export async function openSocket({
  url,
  identity,
  ca,
  timeoutMs,
}: SocketInit): Promise<SocketOpening> {
  const target = new URL(url);
  if (identity.token === undefined) target.searchParams.set("user_id", identity.userId);
  const options: ClientOptions = {
    perMessageDeflate: true,
    handshakeTimeout: timeoutMs,
    ...(identity.token !== undefined && { headers: { authorization: `Bearer ${identity.token}` } }),
    ...(ca && { ca }),
  };
  const begunAtMs = performance.now();
  const socket = new WebSocket(target, [JSON_SUBPROTOCOL, PROTO_SUBPROTOCOL], options);
  const client = new TestClient(socket, timeoutMs);
  const refused = await refusal(socket, timeoutMs);
  if (refused !== undefined) return refused;
  const openMs = performance.now() - begunAtMs;
  return {
    opened: true,
    subprotocol: socket.protocol,
    extensions: socket.extensions,
    openMs,
    welcome: await client.welcome(),
    client,
  };
}

/** Resolves with undefined once it is open. */
function refusal(
  socket: WebSocket,
  timeoutMs: number,
): Promise<(SocketOpening & { opened: false }) | undefined> {
  return new Promise((resolve) => {
    socket.once("open", () => resolve(undefined));
    socket.on("error", (error) => resolve({ opened: false, problem: errorWords(error) }));
    socket.once("unexpected-response", (request, response) => {
      let body = "";
      // What is no refusal of a node may go on for ever.
      const timer = setTimeout(() => response.destroy(), timeoutMs / 2);
      response.setEncoding("utf8");
      response.on("error", () => {});
      response.on("data", (chunk: string) => {
        body = (body + chunk).slice(0, MAX_BODY_CHARS);
      });
      const { server, "retry-after": retryAfter } = response.headers;
      response.once("close", () => {
        clearTimeout(timer);
        const { code, message } = errorIn(body);
        resolve({
          opened: false,
          status: response.statusCode ?? 0,
          ...(code !== undefined && { code }),
          ...(retryAfter !== undefined && { retryAfterSeconds: Number(retryAfter) }),
          ...(server !== undefined && { server: String(server) }),
          problem: message ?? `HTTP ${response.statusCode}`,
        });
        request.destroy();
      });
    });
  });
}

function errorIn(body: string): { readonly code?: string; readonly message?: string } {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: string; message?: string } };
    return error ?? {};
  } catch {
    return {};
  }
}
