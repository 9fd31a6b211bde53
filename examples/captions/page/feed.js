import { Connection } from "./connection.js";
import { Subscription } from "./subscription.js";

/**
 * A session that stays: it connects to a node, joins one room, resumes on each further connection
 * where it was, and follows the client's rule of Pushcast's protocol (docs/protocol.md).
 *
 * @typedef {import("./connection.js").Node} Node
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
/** Not a JSON frame, token expired, forbidden, disconnected by the business server. */
const FINAL_CLOSE_CODES = [4400, 4401, 4403, 4410];

export class Feed {
  #userId;
  #nodes;
  #findNodes;
  #listener;
  #nodeIndex = 0;
  /** @type {Connection | undefined} the newest */
  #connection;
  /** @type {Connection | undefined} the one before it, until the newest has answered everything */
  #previous;
  #failures = 0;
  #retryTimer = 0;
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
    for (const left of this.#rooms.keys()) {
      this.#previous?.send({ type: "leave", room: left });
      this.#connection?.send({ type: "leave", room: left });
    }
    this.#rooms = new Map([[room, new Subscription()]]);
    // The newest asks when it is welcome; until then the one before it serves.
    const serving = this.#connection?.isWelcome ? this.#connection : this.#previous;
    if (serving !== undefined) this.#askRooms(serving);
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

  /** Ends all connections, for good. */
  close() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
    this.#drop(this.#previous);
    this.#drop(this.#connection);
    this.#previous = undefined;
    this.#connection = undefined;
  }

  /** A connection that is listened to goes on until the new one has answered. */
  #open() {
    clearTimeout(this.#retryTimer);
    const before = this.#connection;
    if (this.#subscriptions().some((subscription) => subscription.listensTo(before))) {
      this.#drop(this.#previous);
      this.#previous = before;
    } else {
      this.#drop(before);
    }
    const node = this.#nodes[this.#nodeIndex];
    this.#connection = new Connection(
      node,
      this.#userId,
      (frame, connection) => this.#receive(frame, connection),
      (code, connection) => this.#ended(code, connection),
    );
    this.#listener.onState("connecting", node);
  }

  #drop(connection) {
    if (connection === undefined) return;
    for (const subscription of this.#subscriptions()) subscription.ended(connection);
    connection.close();
  }

  #ended(code, connection) {
    this.#drop(connection);
    if (FINAL_CLOSE_CODES.includes(code)) {
      this.close();
      this.#listener.onState("refused", connection.node);
    } else if (connection === this.#previous) {
      this.#previous = undefined;
    } else {
      this.#connection = undefined;
      this.#retry(connection.node);
    }
  }

  #retry(node) {
    clearTimeout(this.#retryTimer);
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
      if (retryTimer !== this.#retryTimer || this.#connection !== undefined) return;
    }
    this.#nodeIndex = (this.#nodeIndex + 1) % this.#nodes.length;
    this.#open();
  }

  #receive(frame, connection) {
    switch (frame.type) {
      case "welcome":
        this.#failures = 0;
        this.#listener.onState("live", connection.node);
        this.#ask(this.#self, connection, { type: "resume" });
        this.#askRooms(connection);
        break;
      case "resumed":
        this.#answered(this.#self, connection, frame);
        break;
      case "joined":
        if (this.#answered(this.#rooms.get(frame.room), connection, frame)) {
          this.#listener.onJoined(frame.room);
        }
        break;
      case "message":
        this.#deliver(frame, connection);
        break;
      case "position":
        for (const subscription of this.#subscriptions()) {
          if (subscription.listensTo(connection)) subscription.raise(frame.position);
        }
        break;
      case "gap":
        this.#gap(frame, connection);
        break;
      case "reconnect":
        if (connection !== this.#connection) break;
        clearTimeout(this.#retryTimer);
        this.#retryTimer = setTimeout(() => this.#openNext(), frame.after_ms);
        break;
    }
  }

  #askRooms(connection) {
    for (const [room, subscription] of this.#rooms) {
      this.#ask(subscription, connection, { type: "join", room });
    }
  }

  #ask(subscription, connection, request) {
    connection.send({ ...request, ...subscription.request(connection, this.#nextId) });
    this.#nextId += 1;
  }

  #answered(subscription, connection, frame) {
    const outcome = subscription?.answer(connection, frame) ?? "stale";
    if (outcome === "stale") return false;
    if (outcome === "missed") this.#listener.onMissed();
    if (this.#subscriptions().every((each) => each.listensTo(this.#connection))) {
      this.#drop(this.#previous);
      this.#previous = undefined;
    }
    return true;
  }

  #deliver({ id, room, key, at, content, ephemeral }, connection) {
    const subscription = room === undefined ? this.#self : this.#rooms.get(room);
    if (!subscription?.listensTo(connection)) return;
    const [epoch, seq] = id.split("-");
    if (!ephemeral && !subscription.advance(epoch, Number(seq))) return;
    if (key !== undefined && this.#seenKeys.has(key)) return;
    if (key !== undefined) this.#remember(key);
    this.#listener.onMessage({ ...content, at });
  }

  #gap({ scope, room, position }, connection) {
    const concerned = {
      room: [this.#rooms.get(room)],
      self: [this.#self],
      all: this.#subscriptions(),
    }[scope];
    const heeded = concerned.filter((subscription) => subscription?.listensTo(connection));
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

  #subscriptions() {
    return [this.#self, ...this.#rooms.values()];
  }
}
