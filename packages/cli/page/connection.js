const SUBPROTOCOL = "pushcast.v1.json";
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 4_000;

/** After these a client must not come back by itself. */
const FINAL_CODES = new Set([4400, 4401, 4403, 4410]);

/**
 * A session on one node that opens itself anew. It does not resume: what was pushed while it was
 * away is not shown.
 *
 * `onState` gets "connecting", "open", "waiting" (to connect again) or "closed" (for good), and with
 * the last two the close code; `onFrame` every frame, the `welcome` first.
 */
export class Connection {
  #url;
  #onState;
  #onFrame;
  #socket;
  #failures = 0;

  constructor({ url, onState, onFrame }) {
    this.#url = url;
    this.#onState = onState;
    this.#onFrame = onFrame;
  }

  open() {
    this.#onState("connecting");
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => this.#closed(code));
  }

  /** Without an open connection it does nothing. */
  send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #receive(frame) {
    if (frame.type === "welcome") {
      this.#failures = 0;
      this.#onState("open");
    } else if (frame.type === "reconnect") {
      // There is no other node for this panel, so the new connection can only follow this one.
      const socket = this.#socket;
      setTimeout(() => socket.close(), frame.after_ms);
    }
    this.#onFrame(frame);
  }

  #closed(code) {
    if (FINAL_CODES.has(code)) {
      this.#onState("closed", code);
      return;
    }
    this.#onState("waiting", code);
    const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    this.#failures += 1;
    // With jitter, or all pages would come back to a restarted node at once.
    setTimeout(() => this.open(), delayMs * (0.5 + Math.random()));
  }
}
