import { type Command, DeliverRequest } from "@pushcast/api";
import { createRegistry, type Watch } from "@pushcast/registry";
import { createLogger } from "@pushcast/runtime";
import { FanOut } from "../../services/push-manager/src/fan-out.ts";
import { IdempotencyKeys } from "../../services/push-manager/src/idempotency.ts";
import type { ConnectToNode } from "../../services/push-manager/src/node-connection.ts";
import { decodeNodeResponse } from "../../services/push-manager/src/node-response.ts";
import { OutgoingLog } from "../../services/push-manager/src/outgoing-log.ts";
import { Publisher } from "../../services/push-manager/src/publisher.ts";
import type { Cluster } from "./cluster.ts";
import { ProcessClock } from "./event-loop.ts";
import { HALF_CLOSE, type Hello } from "./node.ts";

/** Bytes that wait in a stream before it takes no more. */
const MAX_UNSENT_BYTES = 4_000;
const ACK_TIMEOUT_MS = 1_000;
const MAX_PENDING = 10_000;

const logger = createLogger({ service: "push-manager", level: "silent" });
const counters = { appended: () => {}, delivered: () => {}, failed: () => {} };

/** A push-manager without servers, put together as its process does. */
export class Manager {
  readonly epoch: string;
  readonly clock: ProcessClock;
  readonly log: OutgoingLog;
  readonly fanOut: FanOut;
  readonly publisher: Publisher;
  readonly #cluster: Cluster;
  readonly #watch: Watch;
  #isAlive = true;

  constructor(cluster: Cluster, epoch: string) {
    const { settings } = cluster;
    this.epoch = epoch;
    this.#cluster = cluster;
    this.clock = new ProcessClock(cluster.loop);
    const { clock } = this;
    this.log = new OutgoingLog(epoch, {
      maxBytes: settings.managerLogBytes,
      maxAgeMs: settings.logMs,
    });
    this.fanOut = new FanOut({
      log: this.log,
      clock,
      logger,
      counters,
      managerId: epoch,
      version: "1.0.0",
      connect: this.#connect,
      random: cluster.loop.random,
      logBytes: settings.managerLogBytes,
      maxPendingPushes: MAX_PENDING,
      ackTimeoutMs: ACK_TIMEOUT_MS,
    });
    this.publisher = new Publisher({
      epoch,
      fanOut: this.fanOut,
      keys: new IdempotencyKeys({ maxAgeMs: 2 * settings.logMs, maxKeys: 1_000 }),
      clock,
      maxContentBytes: 100_000,
      maxWaitingRepeats: MAX_PENDING,
      onAnswered: () => {},
    });
    this.fanOut.start();
    const registry = createRegistry({ kind: "memory", memory: cluster.memory }, () => {});
    this.#watch = registry.watch((records) => this.fanOut.follow(records));
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  command(kind: NonNullable<Command["kind"]>): void {
    if (this.fanOut.refusal !== undefined) return;
    const publication = {
      roomId: "",
      userIds: [],
      excludeUserIds: [],
      content: Buffer.alloc(0),
      contentType: "",
      idempotencyKey: "",
      ephemeral: false,
      atMs: this.clock.now(),
      command: { kind },
    };
    this.fanOut.append(publication, undefined, ACK_TIMEOUT_MS, () => {});
  }

  /** @param losesUnread what it has written and nobody has read is lost */
  kill(losesUnread = true): void {
    if (!this.#isAlive) return;
    this.#end();
    this.#cluster.network.died(this.epoch, losesUnread);
  }

  /** As by SIGTERM: what is left is sent, with `final`. */
  async stop(): Promise<void> {
    this.#watch.close();
    await this.fanOut.stop(2_000, 2_000);
    if (!this.#isAlive) return;
    this.#end();
    this.#cluster.network.died(this.epoch, false);
  }

  #end(): void {
    this.#isAlive = false;
    this.#watch.close();
    this.clock.stop();
    this.#cluster.ended(this);
  }

  readonly #connect: ConnectToNode = (address, listener) => {
    const hello: Hello = { kind: "deliver" };
    let blocked = false;
    const socket = this.#cluster.network.connect(this.epoch, address, hello, {
      onMessage: (message) => listener.onResponse(decodeNodeResponse(message as Uint8Array)),
      onRead: () => {
        if (!blocked || socket.unreadBytes >= MAX_UNSENT_BYTES) return;
        blocked = false;
        listener.onWritable();
      },
      onEnd: (reason) => listener.onEnd(String(reason)),
    });
    return {
      write: (message) => {
        this.#cluster.onLinkMessage(this.epoch, address, DeliverRequest.decode(message));
        socket.send(message, message.byteLength);
        blocked = socket.unreadBytes >= MAX_UNSENT_BYTES;
        return !blocked;
      },
      endWriting: () => socket.send(HALF_CLOSE),
      close: () => socket.close("cancelled"),
      inspect: () => Promise.reject(new Error("not inspected in a simulation")),
      tail: () => {
        throw new Error("not tailed in a simulation");
      },
    };
  };
}
