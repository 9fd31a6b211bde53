/**
 * One WebSocket to a node, until it ends or has been silent for too long.
 *
 * @typedef {{ name: string, url: string }} Node
 */

export class Connection {
  /** @type {Node} */
  node;
  /** `performance.now()` at its last frame. */
  heardAtMs = 0;
  /** The node has said welcome; nothing is sent before. */
  isWelcome = false;
  #socket;
  #onEnd;
  #heartbeatTimer = 0;

  /**
   * @param {Node} node
   * @param {string} userId
   * @param {(frame: any, connection: Connection) => void} onFrame
   * @param {(code: number | undefined, connection: Connection) => void} onEnd not after `close()`;
   *   no code: the node was silent
   */
  constructor(node, userId, onFrame, onEnd) {
    this.node = node;
    this.#onEnd = onEnd;
    const query = new URLSearchParams({ user_id: userId, resume: "1" });
    this.#socket = new WebSocket(`${node.url}?${query}`, ["pushcast.v1.json"]);
    this.#socket.onmessage = ({ data }) => {
      this.heardAtMs = performance.now();
      const frame = JSON.parse(data);
      if (frame.type === "welcome") this.#welcomed(frame.heartbeat_ms);
      onFrame(frame, this);
    };
    this.#socket.onclose = ({ code }) => this.#end(code);
  }

  send(frame) {
    if (this.isWelcome) this.#socket.send(JSON.stringify(frame));
  }

  /** Ends it, and listens to it no longer. */
  close() {
    clearInterval(this.#heartbeatTimer);
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close(1000);
  }

  /** A page does not see the server's pings, so it asks, and takes silence for a dead connection. */
  #welcomed(heartbeatMs) {
    this.isWelcome = true;
    this.#heartbeatTimer = setInterval(() => {
      if (performance.now() - this.heardAtMs > 2 * heartbeatMs) this.#end(undefined);
      else this.send({ type: "ping" });
    }, heartbeatMs);
  }

  #end(code) {
    this.close();
    this.#onEnd(code, this);
  }
}
