/**
 * A session that stays: it connects to a node, joins one room, resumes after each connection where
 * it was, and follows the client's rule of Pushcast's protocol (docs/protocol.md).
 *
 * @typedef {{ name: string, url: string }} Node
 * @typedef {{ kind: string, at: number } & Record<string, unknown>} Message a push's JSON content,
 *   and when it was accepted, in Unix milliseconds
 * @typedef {"connecting" | "live" | "waiting" | "refused"} State
 * @typedef {object} Listener
 * @property {(state: State, node: Node) => void} onState
 * @property {(room: string) => void} onJoined the room's messages come from now on
 * @property {(message: Message) => void} onMessage
 * @property {() => void} onMissed messages were missed that nobody can give us any more
 */

const FIRST_RETRY_MS = 300;
const MAX_RETRY_MS = 5_000;
const SEEN_KEYS = 1_024;
const POSITION_ENTRIES = 100;
/** Not a JSON frame, token expired, forbidden, disconnected by the business server. */
const FINAL_CLOSE_CODES = [4400, 4401, 4403, 4410];

export class Feed {
  #userId;
  #nodes;
  #findNodes;
  #listener;
  #nodeIndex = 0;
  /** @type {WebSocket | undefined} */
  #socket;
  #failures = 0;
  #retryTimer = 0;
  #heartbeatTimer = 0;
  #heardAtMs = 0;
  #nextId = 1;
  #self = new Subscription();
  /** @type {Map<string, Subscription>} of the one room that is read */
  #rooms = new Map();
  #seenKeys = new Set();

  /**
   * @param {object} init
   * @param {string} init.userId
   * @param {readonly Node[]} init.nodes
   * @param {() => Promise<readonly Node[]>} init.findNodes asked when no node answers
   * @param {Listener} init.listener
   */
  constructor({ userId, nodes, findNodes, listener }) {
    this.#userId = userId;
    this.#nodes = nodes;
    this.#findNodes = findNodes;
    this.#listener = listener;
  }

  /** Leaves the room that was read before, if any. */
  read(room) {
    for (const left of this.#rooms.keys()) this.#send({ type: "leave", room: left });
    const subscription = new Subscription();
    this.#rooms = new Map([[room, subscription]]);
    this.#ask(subscription, { type: "join", room });
  }

  /** Connects to that node, and to another only if it does not answer. */
  connect(nodeName) {
    this.#nodeIndex = Math.max(
      0,
      this.#nodes.findIndex(({ name }) => name === nodeName),
    );
    this.#failures = 0;
    this.#open();
  }

  #open() {
    this.#drop();
    const node = this.#nodes[this.#nodeIndex];
    const query = new URLSearchParams({ user_id: this.#userId, resume: "1" });
    const socket = new WebSocket(`${node.url}?${query}`, ["pushcast.v1.json"]);
    this.#socket = socket;
    this.#listener.onState("connecting", node);
    socket.onmessage = ({ data }) => {
      this.#heardAtMs = performance.now();
      this.#receive(JSON.parse(data), node);
    };
    socket.onclose = ({ code }) => this.#closed(code, node);
  }

  /** Ends the connection, and listens to it no longer. */
  #drop() {
    clearTimeout(this.#retryTimer);
    clearInterval(this.#heartbeatTimer);
    for (const subscription of this.#subscriptions()) {
      subscription.away(this.#heardAtMs);
    }
    if (this.#socket === undefined) return;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = undefined;
  }

  #closed(code, node) {
    this.#drop();
    if (FINAL_CLOSE_CODES.includes(code)) {
      this.#listener.onState("refused", node);
      return;
    }
    this.#failures += 1;
    const backoffMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
    this.#listener.onState("waiting", node);
    this.#retryTimer = setTimeout(() => this.#openNext(), backoffMs * (0.5 + Math.random() / 2));
  }

  async #openNext() {
    // Nodes of a cluster that was started anew have other addresses.
    if (this.#failures > this.#nodes.length) {
      const retryTimer = this.#retryTimer;
      this.#nodes = await this.#findNodes().catch(() => this.#nodes);
      if (retryTimer !== this.#retryTimer || this.#socket !== undefined) return;
    }
    this.#nodeIndex = (this.#nodeIndex + 1) % this.#nodes.length;
    this.#open();
  }

  #receive(frame, node) {
    switch (frame.type) {
      case "welcome":
        this.#failures = 0;
        this.#watchHeartbeat(frame.heartbeat_ms, node);
        this.#listener.onState("live", node);
        this.#ask(this.#self, { type: "resume" });
        for (const [room, subscription] of this.#rooms) {
          this.#ask(subscription, { type: "join", room });
        }
        break;
      case "resumed":
        this.#answered(this.#self, frame);
        break;
      case "joined":
        if (this.#answered(this.#rooms.get(frame.room), frame)) this.#listener.onJoined(frame.room);
        break;
      case "message":
        this.#deliver(frame);
        break;
      case "position":
        for (const subscription of this.#subscriptions()) subscription.raise(frame.position);
        break;
      case "gap":
        this.#gap(frame);
        break;
      case "reconnect":
        this.#retryTimer = setTimeout(() => this.#openNext(), frame.after_ms);
        break;
    }
  }

  #ask(subscription, request) {
    subscription.answered = false;
    subscription.askedId = this.#nextId;
    this.#nextId += 1;
    const away_ms = subscription.awayMs(performance.now());
    const position = Object.fromEntries(subscription.position);
    this.#send({ ...request, id: subscription.askedId, position, away_ms });
  }

  #answered(subscription, { id, position, recovered }) {
    if (subscription === undefined || id !== subscription.askedId) return false;
    if (recovered === false && subscription.hasListened) this.#listener.onMissed();
    subscription.answer(position);
    return true;
  }

  #deliver({ id, room, key, at, content, ephemeral }) {
    const subscription = room === undefined ? this.#self : this.#rooms.get(room);
    if (!subscription?.answered) return;
    const [epoch, seq] = id.split("-");
    if (!ephemeral && !subscription.advance(epoch, Number(seq))) return;
    if (key !== undefined && this.#seenKeys.has(key)) return;
    if (key !== undefined) this.#remember(key);
    this.#listener.onMessage({ ...content, at });
  }

  #gap({ scope, room, position }) {
    const concerned = {
      room: [this.#rooms.get(room)],
      self: [this.#self],
      all: [...this.#subscriptions()],
    }[scope];
    const heeded = concerned.filter((subscription) => subscription?.answered);
    for (const subscription of heeded) subscription.raise(position);
    if (heeded.length > 0) this.#listener.onMissed();
  }

  #remember(key) {
    this.#seenKeys.add(key);
    if (this.#seenKeys.size > SEEN_KEYS) {
      const [oldest] = this.#seenKeys;
      this.#seenKeys.delete(oldest);
    }
  }

  /** A page does not see the server's pings, so it asks, and takes silence for a dead connection. */
  #watchHeartbeat(heartbeatMs, node) {
    this.#heartbeatTimer = setInterval(() => {
      if (performance.now() - this.#heardAtMs > 2 * heartbeatMs) this.#closed(undefined, node);
      else this.#send({ type: "ping" });
    }, heartbeatMs);
  }

  #send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #subscriptions() {
    return [this.#self, ...this.#rooms.values()];
  }
}

/** A room or *self*: up to where it was read. */
class Subscription {
  /** @type {Map<string, number>} seq by epoch; those not named for longest stand first */
  position = new Map();
  /** By the connection that is open. */
  answered = false;
  askedId = 0;
  #heardAtMs;

  /** Whether anything could have been missed. */
  get hasListened() {
    return this.#heardAtMs !== undefined;
  }

  answer(position) {
    this.answered = true;
    this.#heardAtMs = performance.now();
    this.position = new Map(Object.entries(position));
  }

  /** The connection has ended, on which something was heard last at that time. */
  away(heardAtMs) {
    if (this.answered) this.#heardAtMs = heardAtMs;
    this.answered = false;
  }

  awayMs(nowMs) {
    return this.#heardAtMs === undefined ? 0 : Math.round(nowMs - this.#heardAtMs);
  }

  raise(position) {
    if (!this.answered) return;
    for (const [epoch, seq] of Object.entries(position)) this.advance(epoch, seq);
  }

  /** Returns whether the seq is above the position, which then is raised to it. */
  advance(epoch, seq) {
    const before = this.position.get(epoch) ?? 0;
    this.position.delete(epoch);
    this.position.set(epoch, Math.max(before, seq));
    if (this.position.size > POSITION_ENTRIES) {
      const [oldest] = this.position.keys();
      this.position.delete(oldest);
    }
    return seq > before;
  }
}
