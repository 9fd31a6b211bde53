import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Clock, type Logger, listen } from "@pushcast/runtime";
import {
  CLOSE_CODES,
  HTTP_ERRORS,
  type HttpErrorCode,
  httpErrorBody,
  selectSubprotocol,
} from "@pushcast/wire";
import { WebSocket, WebSocketServer } from "ws";
import type { Admission } from "./admission.ts";
import { ClientSocket } from "./client-socket.ts";
import { checkHandshake, type Handshake, PATH } from "./handshake.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { Inbox } from "./inbox.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { Session } from "./session.ts";
import type { SessionService } from "./session-service.ts";
import { SlicedQueue } from "./sliced-queue.ts";

export interface GatewayInit {
  sessions: SessionService;
  heartbeats: Heartbeats;
  metrics: NodeMetrics;
  logger: Logger;
  admission: Admission;
  clock: Clock;
  /** Connections that are no session; further ones are dropped. */
  maxPendingConnections: number;
  /** How long a connection may take to send its request. */
  handshakeMs: number;
  maxFrameBytes: number;
  sessionBufferBytes: number;
  /** Answers what is no WebSocket request and not for its path; else 404. */
  onOtherRequest?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** How often Node looks for connections whose request takes too long; its default is 30 s. */
const TIMEOUT_CHECK_MS = 500;
/** How long a client may take to answer a close frame before its connection is cut. */
const CLOSE_TIMEOUT_MS = 5_000;
/** Node's default; sockets with more queued than this tell when they have drained. */
const HIGH_WATER_MARK_BYTES = 16_384;
const WS_ERROR_CLOSE_CODES: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CLOSE_CODES.TOO_BIG.code,
  WS_ERR_INVALID_UTF8: CLOSE_CODES.NOT_UTF8.code,
};

/** The edge: HTTP before the upgrade, WebSocket connections after it, each with its session. */
export class Gateway {
  readonly #init: GatewayInit;
  readonly #server: Server;
  readonly #upgrader: WebSocketServer;
  readonly #open = new Set<WebSocket>();
  readonly #queue: SlicedQueue;
  readonly #inbox: Inbox;
  /** All that are open, with a session or without. */
  #connections = 0;

  constructor(init: GatewayInit) {
    this.#init = init;
    this.#queue = new SlicedQueue(init.clock);
    this.#inbox = new Inbox(this.#queue);
    this.#upgrader = new WebSocketServer({
      noServer: true,
      maxPayload: init.maxFrameBytes,
      perMessageDeflate: false,
      clientTracking: false,
      // One frame of a client a turn: a client that floods gets no more of the node than another.
      allowSynchronousEvents: false,
      // Known to ws 8.19 and later, and not yet to its types.
      ...({ closeTimeout: CLOSE_TIMEOUT_MS } as object),
      handleProtocols: (offered) => selectSubprotocol([...offered])?.answer ?? false,
    });
    this.#server = createServer({
      // A socket tells that it has drained only if it was above this.
      highWaterMark: Math.min(HIGH_WATER_MARK_BYTES, init.sessionBufferBytes),
      keepAliveTimeout: 5_000,
      headersTimeout: init.handshakeMs,
      requestTimeout: init.handshakeMs,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    });
    this.#boundConnections();
    this.#server.on("connection", (socket) => {
      this.#connections += 1;
      socket.once("close", () => {
        this.#connections -= 1;
      });
    });
    this.#server.on("drop", () => init.metrics.droppedConnections.inc());
    this.#server.on("request", (request, response) => this.#onRequest(request, response));
    this.#server.on("upgrade", (request, socket, head) => {
      // Until `ws` has the socket, an error on it would end the process.
      socket.on("error", ignore);
      this.#queue.add(() => this.#onUpgrade(request, socket as Socket, head));
    });
  }

  /** @throws ListenError */
  listen(host: string, port: number): Promise<number> {
    const backlog = this.#init.maxPendingConnections;
    return listen(this.#server, { host, port, setting: "WS_PORT", backlog });
  }

  /** Connections that are no session: not yet, or never. */
  get pendingConnections(): number {
    return this.#connections - this.#open.size;
  }

  /**
   * Takes no new connections. Those that are closing may end in good order for at most `graceMs`;
   * others are cut.
   */
  close(graceMs: number): Promise<void> {
    for (const ws of this.#open) if (ws.readyState === WebSocket.OPEN) ws.terminate();
    return new Promise((resolve) => {
      const cut = setTimeout(() => {
        for (const ws of this.#open) ws.terminate();
      }, graceMs);
      this.#server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  /** Node drops what exceeds it before anything is read or allocated. */
  #boundConnections(): void {
    this.#server.maxConnections = this.#open.size + this.#init.maxPendingConnections;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split("?", 1)[0];
    if (path !== PATH && this.#init.onOtherRequest !== undefined) {
      this.#init.onOtherRequest(request, response);
      return;
    }
    const code =
      path !== PATH
        ? "NOT_FOUND"
        : request.method === "GET"
          ? "UPGRADE_REQUIRED"
          : "METHOD_NOT_ALLOWED";
    this.#init.metrics.rejections.inc({ reason: code });
    const body = httpErrorBody(code);
    response.writeHead(HTTP_ERRORS[code].status, errorHeaders(code, body));
    response.end(body);
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (socket.destroyed) return;
    const checked = checkHandshake(request);
    if (!checked.ok) {
      this.#refuse(socket, checked.code, checked);
      return;
    }
    const refusal = this.#init.admission.admit();
    if (refusal !== undefined) {
      this.#refuse(socket, refusal.code, { retryAfterSeconds: refusal.retryAfterSeconds });
      return;
    }
    this.#upgrader.handleUpgrade(request, socket, head, (ws) => {
      socket.off("error", ignore);
      this.#serve(ws, socket, checked.handshake);
    });
  }

  #serve(ws: WebSocket, socket: Socket, { userId, codec, resumes }: Handshake): void {
    const { sessions, heartbeats, metrics, logger } = this.#init;
    this.#open.add(ws);
    this.#boundConnections();
    const clientSocket = new ClientSocket(ws, socket);
    const session: Session = sessions.open({ userId, codec, resumes, socket: clientSocket });
    heartbeats.add(session);
    const serve = (data: Buffer, isBinary: boolean) => {
      try {
        sessions.receive(session, data, isBinary);
      } catch (err) {
        logger.error({ err, sessionId: session.id }, "a client's frame could not be served");
        sessions.close(session, { code: CLOSE_CODES.INTERNAL.code, reason: "internal error" });
      }
    };
    ws.on("message", (data: Buffer, isBinary: boolean) => {
      this.#inbox.add(clientSocket, data.byteLength, () => serve(data, isBinary));
    });
    ws.on("pong", () => sessions.alive(session));
    ws.on("ping", () => sessions.alive(session));
    socket.on("drain", () => sessions.drained(session));
    ws.on("error", (error: NodeJS.ErrnoException) => {
      // `ws` closes by itself on frames that break the protocol.
      if (session.closed || error.code?.startsWith("WS_ERR_") !== true) return;
      const code = WS_ERROR_CLOSE_CODES[error.code] ?? CLOSE_CODES.PROTOCOL_ERROR.code;
      metrics.closes.inc({ code: String(code) });
      // Nothing can be written any more, however long the client takes to answer the close frame.
      sessions.ended(session);
    });
    ws.on("close", () => {
      this.#open.delete(ws);
      this.#boundConnections();
      heartbeats.remove(session);
      sessions.ended(session);
    });
  }

  #refuse(
    socket: Socket,
    code: HttpErrorCode,
    { message, retryAfterSeconds }: { message?: string; retryAfterSeconds?: number },
  ): void {
    this.#init.metrics.rejections.inc({ reason: code });
    const body = httpErrorBody(code, message);
    const { status } = HTTP_ERRORS[code];
    const headers = Object.entries(errorHeaders(code, body, retryAfterSeconds))
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("");
    socket.end(`HTTP/1.1 ${status} ${STATUS_TEXTS[status] ?? "Refused"}\r\n${headers}\r\n${body}`);
    socket.once("finish", () => socket.destroy());
  }
}

function ignore(): void {}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  426: "Upgrade Required",
  429: "Too Many Requests",
  503: "Service Unavailable",
};

function errorHeaders(
  code: HttpErrorCode,
  body: Buffer,
  retryAfterSeconds?: number,
): Record<string, string | number> {
  const { headers } = HTTP_ERRORS[code];
  return {
    "Content-Type": "application/json",
    "Content-Length": body.byteLength,
    ...headers,
    Connection: headers?.Connection === undefined ? "close" : `close, ${headers.Connection}`,
    ...(retryAfterSeconds === undefined ? {} : { "Retry-After": retryAfterSeconds }),
  };
}
