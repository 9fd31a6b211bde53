import type { ServerResponse } from "node:http";

/** An answer as Server-Sent Events, for as long as both sides like. */
export interface EventStream {
  /** What was sent and has not left this process. Whoever sends much looks at it. */
  readonly unsentBytes: number;
  /** @param data sent as JSON */
  send(event: string, data: unknown): void;
  /** Ends it in good order, when all that was sent has left. */
  close(): void;
  /** Ends it at once: a reader that does not read would never let it end in good order. */
  drop(): void;
  /** It is over, by whichever side; at once if it is already. */
  onClose(listener: () => void): void;
}

/** Writes the head of the answer. */
export function openEventStream(
  response: ServerResponse,
  headers: Readonly<Record<string, string>> = {},
): EventStream {
  response.writeHead(200, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    // Proxies that gather answers would hold events back.
    "X-Accel-Buffering": "no",
    ...headers,
  });
  response.flushHeaders();
  return {
    get unsentBytes() {
      return response.writableLength;
    },
    send(event, data) {
      if (response.writableEnded || response.destroyed) return;
      // JSON has no line breaks outside of strings, and in strings they are escaped.
      response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    close: () => {
      response.end();
    },
    drop: () => {
      response.destroy();
    },
    onClose(listener) {
      if (response.destroyed) listener();
      else response.once("close", listener);
    },
  };
}
