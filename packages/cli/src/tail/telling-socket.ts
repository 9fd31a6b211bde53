import type { WebSocketConstructor } from "@pushcast/client";
import { WebSocket } from "ws";

/** Why a connection was not made, which a browser would not tell. */
export type ConnectFailure =
  /** The server answered in HTTP. */
  | {
      readonly kind: "refused";
      readonly status: number;
      /** Of a connect-node: `TOKEN_EXPIRED`. Empty where another server answers. */
      readonly code: string;
      readonly message: string;
    }
  /** Nobody answered, or not in TLS as it should be. */
  | { readonly kind: "unreachable"; readonly message: string };

const HANDSHAKE_MS = 10_000;
const MAX_BODY_CHARS = 10_000;

/** WebSockets of `ws` that tell why one could not connect. */
export function tellingSocket(
  ca: Buffer | undefined,
  tell: (failure: ConnectFailure) => void,
): WebSocketConstructor {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, {
        perMessageDeflate: false,
        handshakeTimeout: HANDSHAKE_MS,
        ...(ca === undefined ? {} : { ca }),
      });
      let isRefused = false;
      this.once("unexpected-response", (_request, response) => {
        isRefused = true;
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => {
          body = (body + text).slice(0, MAX_BODY_CHARS);
        });
        response.once("close", () => {
          tell({ kind: "refused", status: response.statusCode ?? 0, ...errorIn(body) });
          this.terminate();
        });
      });
      this.once("error", ({ message }) => {
        if (!isRefused) tell({ kind: "unreachable", message });
      });
    }
  } as unknown as WebSocketConstructor;
}

function errorIn(body: string): { code: string; message: string } {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
    return { code: String(error?.code ?? ""), message: String(error?.message ?? "") };
  } catch {
    return { code: "", message: "" };
  }
}
