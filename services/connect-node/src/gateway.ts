import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { BlockList, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, type Logger, listen } from "@pushcast/runtime";
import { HTTP_ERRORS, type HttpErrorCode, httpErrorBody, selectSubprotocol } from "@pushcast/wire";
import { WebSocket, WebSocketServer } from "ws";
import type { AddressCounts } from "./address-counts.ts";
import type { Admission } from "./admission.ts";
import type { Authenticator, HandshakeRefusal } from "./auth/authenticator.ts";
import { clientAddress } from "./client-address.ts";
import { type ClientListeners, createClientListeners } from "./client-listeners.ts";
import { ClientSocket, ClientWebSocket } from "./client-socket.ts";
import { checkHandshake, type Handshake, PATH } from "./handshake.ts";
import type { Heartbeats } from "./heartbeats.ts";
import type { Identity } from "./identity.ts";
import { Inbox } from "./inbox.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { SessionService } from "./session-service.ts";
import { SlicedQueue } from "./sliced-queue.ts";

export interface GatewayInit {
  sessions: SessionService;
  heartbeats: Heartbeats;
  metrics: NodeMetrics;
  logger: Logger;
  admission: Admission;
  authenticator: Authenticator;
  /** Of pages that may connect; undefined for any. */
  allowedOrigins: readonly string[] | undefined;
  addresses: AddressCounts;
  /** Whose `X-Forwarded-For` is believed. */
  trustedProxies: BlockList | undefined;
  clock: Clock;
  /** Connections that are no session; further ones are dropped. */
  maxPendingConnections: number;
  /** How long a connection may take to send its request. */
  handshakeMs: number;
  /** Of the request line and the headers together. */
  maxHeaderBytes: number;
  maxFrameBytes: number;
  /** Of one frame. */
  maxFragments: number;
  sessionBufferBytes: number;
  /** Answers what is no WebSocket request and not for its path; else 404. */
  onOtherRequest?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** A handshake that counts, and its connection. */
interface Admitted {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  readonly handshake: Handshake;
  /** Whom it counts for. */
  readonly address: string;
}

/** How often Node looks for connections whose request takes too long; its default is 30 s. */
const TIMEOUT_CHECK_MS = 500;
/** How long a client may take to answer a close frame before its connection is cut. */
const CLOSE_TIMEOUT_MS = 5_000;
/** Node's default; sockets with more queued than this tell when they have drained. */
const HIGH_WATER_MARK_BYTES = 16_384;

/** The edge: HTTP before the upgrade, WebSocket connections after it, each with its session. */
export class Gateway {
  readonly #init: GatewayInit;
  readonly #server: Server;
  readonly #upgrader: ReturnType<typeof createUpgrader>;
  readonly #open = new Set<ClientWebSocket>();
  readonly #queue: SlicedQueue;
  readonly #listeners: ClientListeners;
  readonly #allowedOrigins: ReadonlySet<string> | undefined;
  /** Connections of handshakes that are admitted, while it is found out who they are from. */
  readonly #unidentified = new Set<Socket>();
  #isClosing = false;
  /** All that are open, with a session or without. */
  #connections = 0;

  constructor(init: GatewayInit) {
    this.#init = init;
    this.#allowedOrigins = init.allowedOrigins && new Set(init.allowedOrigins);
    this.#queue = new SlicedQueue(init.clock);
    this.#listeners = createClientListeners({
      sessions: init.sessions,
      metrics: init.metrics,
      logger: init.logger,
      inbox: new Inbox(this.#queue),
      onClosed: (ws) => this.#onClosed(ws),
    });
    this.#upgrader = createUpgrader(init);
    this.#server = createServer({
      // A socket tells that it has drained only if it was above this.
      highWaterMark: Math.min(HIGH_WATER_MARK_BYTES, init.sessionBufferBytes),
      keepAliveTimeout: 5_000,
      headersTimeout: init.handshakeMs,
      requestTimeout: init.handshakeMs,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      maxHeaderSize: init.maxHeaderBytes,
    });
    this.#boundConnections();
    const onConnectionClosed = () => {
      this.#connections -= 1;
    };
    this.#server.on("connection", (socket) => {
      this.#connections += 1;
      socket.on("close", onConnectionClosed);
    });
    this.#server.on("drop", () => init.metrics.droppedConnections.inc());
    this.#server.on("request", (request, response) => this.#onRequest(request, response));
    // Node itself would answer 417 to what an `Expect` header asks for.
    this.#server.on("checkExpectation", (request, response) => this.#onRequest(request, response));
    this.#server.on("clientError", (error, socket) => this.#onClientError(error, socket));
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

  /** Handshakes that are admitted and may become sessions. */
  get unidentified(): number {
    return this.#unidentified.size;
  }

  /**
   * Takes no new connections. Those that are closing may end in good order for at most `graceMs`;
   * others are cut.
   */
  close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    for (const socket of this.#unidentified)
      this.#refuse(socket, { code: "NODE_DRAINING", retryAfterSeconds: 1 });
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

  /** What is no HTTP, too large, or too slow. */
  #onClientError({ code = "" }: NodeJS.ErrnoException, socket: Duplex): void {
    const answer = CLIENT_ERRORS[code] ?? (code.startsWith("HPE_") ? "REQUEST_INVALID" : undefined);
    if (answer === undefined || !socket.writable) socket.destroy();
    else this.#refuse(socket, { code: answer });
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (socket.destroyed) return;
    const checked = checkHandshake(request, this.#allowedOrigins);
    if (!checked.ok) {
      this.#refuse(socket, checked);
      return;
    }
    const { handshake } = checked;
    const { authenticator, admission, trustedProxies } = this.#init;
    const address = clientAddress(request, trustedProxies);
    const refusal = authenticator.refuse(handshake) ?? admission.admit(address);
    if (refusal !== undefined) {
      this.#refuse(socket, refusal);
      return;
    }
    const identified = authenticator.identify(handshake);
    const accept = (identity: Identity | HandshakeRefusal) => {
      this.#accept({ request, socket, head, handshake, address }, identity);
    };
    if (!(identified instanceof Promise)) {
      accept(identified);
      return;
    }
    this.#unidentified.add(socket);
    void identified.then((identity) => this.#queue.add(() => accept(identity)));
  }

  #accept(
    { request, socket, head, handshake, address }: Admitted,
    found: Identity | HandshakeRefusal,
  ): void {
    this.#unidentified.delete(socket);
    // The client may have gone, or the node closed, while it was verified.
    if (socket.destroyed || this.#isClosing) return;
    if ("code" in found) {
      this.#refuse(socket, found);
      return;
    }
    if (this.#init.sessions.isRevoked(found)) {
      this.#refuse(socket, { code: "TOKEN_REVOKED" });
      return;
    }
    const excess = this.#init.admission.refuse({ userId: found.userId, address });
    if (excess !== undefined) {
      this.#refuse(socket, excess);
      return;
    }
    this.#upgrader.handleUpgrade(request, socket, head, (ws) => {
      socket.off("error", ignore);
      ws.addressCount = this.#init.addresses.add(address);
      this.#serve(ws, socket, handshake, found);
    });
  }

  #serve(
    ws: ClientWebSocket,
    socket: Socket,
    { codec, resumes }: Handshake,
    identity: Identity,
  ): void {
    this.#open.add(ws);
    this.#boundConnections();
    const { sessions, heartbeats } = this.#init;
    const clientSocket = new ClientSocket(ws, socket, this.#listeners.drained);
    const session = sessions.open({ identity, codec, resumes, socket: clientSocket });
    ws.session = session;
    ws.clientSocket = clientSocket;
    heartbeats.add(session);
    // The types of `on` say that `this` is any WebSocket.
    ws.addListener("message", this.#listeners.message);
    ws.addListener("pong", this.#listeners.alive);
    ws.addListener("ping", this.#listeners.alive);
    ws.addListener("error", this.#listeners.error);
    ws.addListener("close", this.#listeners.close);
  }

  #onClosed(ws: ClientWebSocket): void {
    this.#open.delete(ws);
    this.#init.addresses.remove(ws.addressCount);
    this.#boundConnections();
    this.#init.heartbeats.remove(ws.session);
  }

  #refuse(socket: Duplex, { code, message, retryAfterSeconds }: HandshakeRefusal): void {
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

function createUpgrader({
  maxFrameBytes,
  maxFragments,
}: Pick<GatewayInit, "maxFrameBytes" | "maxFragments">) {
  return new WebSocketServer({
    noServer: true,
    WebSocket: ClientWebSocket,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    clientTracking: false,
    // One frame of a client a turn: a client that floods gets no more of the node than another.
    allowSynchronousEvents: false,
    // Known to ws, and not yet to its types.
    ...({ closeTimeout: CLOSE_TIMEOUT_MS, maxFragments } as object),
    handleProtocols: (offered) => selectSubprotocol([...offered])?.answer ?? false,
  });
}

function ignore(): void {}

/** By the code of Node's error; the others of its parser begin with HPE_. */
const CLIENT_ERRORS: Readonly<Record<string, HttpErrorCode>> = {
  HPE_HEADER_OVERFLOW: "HEADERS_TOO_LARGE",
  ERR_HTTP_REQUEST_TIMEOUT: "REQUEST_TIMEOUT",
};

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  426: "Upgrade Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
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
