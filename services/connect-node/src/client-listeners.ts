import type { Logger } from "@pushcast/runtime";
import { CLOSE_CODES } from "@pushcast/wire";
import type { ClientWebSocket } from "./client-socket.ts";
import type { Inbox } from "./inbox.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { Session } from "./session.ts";
import type { SessionService } from "./session-service.ts";

/**
 * What is done about the events of clients' connections. All connections have the same functions, and
 * `this` is the one whose event it is: closures of its own would take a connection half a KiB.
 */
export interface ClientListeners {
  message(this: ClientWebSocket, data: Buffer, isBinary: boolean): void;
  /** A ping or a pong. */
  alive(this: ClientWebSocket): void;
  error(this: ClientWebSocket, error: NodeJS.ErrnoException): void;
  close(this: ClientWebSocket): void;
  drained(ws: ClientWebSocket): void;
}

const WS_ERROR_CLOSE_CODES: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: CLOSE_CODES.TOO_BIG.code,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CLOSE_CODES.TOO_BIG.code,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: CLOSE_CODES.TOO_MANY_FRAGMENTS.code,
  WS_ERR_INVALID_UTF8: CLOSE_CODES.NOT_UTF8.code,
};

export function createClientListeners({
  sessions,
  metrics,
  logger,
  inbox,
  onClosed,
}: {
  sessions: SessionService;
  metrics: NodeMetrics;
  logger: Logger;
  inbox: Inbox;
  onClosed: (ws: ClientWebSocket) => void;
}): ClientListeners {
  const fail = (session: Session, err: unknown) => {
    logger.error({ err, sessionId: session.id }, "a client's frame could not be served");
    sessions.close(session, { code: CLOSE_CODES.INTERNAL.code, reason: "internal error" });
  };
  const serve = ({ session }: ClientWebSocket, data: Buffer, isBinary: boolean) => {
    try {
      return sessions.receive(session, data, isBinary)?.catch((err) => fail(session, err));
    } catch (err) {
      fail(session, err);
      return undefined;
    }
  };
  return {
    message(data, isBinary) {
      if (!sessions.countFrame(this.session)) return;
      inbox.add(this.clientSocket, data.byteLength, () => serve(this, data, isBinary));
    },
    alive() {
      if (sessions.countFrame(this.session)) sessions.alive(this.session);
    },
    error(error) {
      // `ws` closes by itself on frames that break the protocol.
      if (this.session.closed || error.code?.startsWith("WS_ERR_") !== true) return;
      const code = WS_ERROR_CLOSE_CODES[error.code] ?? CLOSE_CODES.PROTOCOL_ERROR.code;
      metrics.closes.inc({ code: String(code) });
      // Nothing can be written any more, however long the client takes to answer the close frame.
      sessions.ended(this.session);
    },
    close() {
      onClosed(this);
      sessions.ended(this.session);
    },
    drained({ session }) {
      sessions.drained(session);
    },
  };
}
