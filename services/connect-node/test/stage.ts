import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type Clock,
  createLogger,
  FileFollower,
  ManualClock,
  requireSettings,
  type TimerHandle,
  TransportMetrics,
} from "@pushcast/runtime";
import {
  type ClientFrame,
  type Codec,
  clientCodec,
  jsonCodec,
  type MessageFrame,
  protoCodec,
} from "@pushcast/wire";
import { Registry } from "prom-client";
import { createDeliveryCore, type DeliveryCore, type TurnBudget } from "../src/delivery-core.ts";
import type { DeliveryTracing } from "../src/delivery-tracing.ts";
import { type Identity, identityWithoutToken } from "../src/identity.ts";
import { createNodeMetrics, type NodeMetrics } from "../src/metrics.ts";
import { createRooms } from "../src/rooms/create-rooms.ts";
import type { RoomRights } from "../src/rooms/room-rights.ts";
import type { Session } from "../src/session.ts";
import { type NodeSettings, nodeChecks, nodeSettings } from "../src/settings.ts";
import { FakeManager, type Push } from "./fake-manager.ts";
import { FakeSocket, parseFrames, type SentFrame } from "./fake-socket.ts";

export const EPOCH_A = "000000000000000a";
export const EPOCH_B = "000000000000000b";

export const silentLogger = createLogger({ service: "connect-node", level: "silent" });

export const FILES_CHECK_MS = 5_000;

/** What follows the files of a node that is not there. */
export function filesWithoutNode(clock: Clock, logger = silentLogger): FileFollower {
  const counters = new TransportMetrics("connect_node", new Registry(), () => clock.now(), []);
  return new FileFollower({ clock, everyMs: FILES_CHECK_MS, logger, counters });
}

/** What a connect-node's settings are by default, with some of them changed. */
function settingsWith(changes: Partial<NodeSettings> = {}): NodeSettings {
  const env = { AUTH_MODE: "none", REGISTRY: "memory" };
  return { ...requireSettings(nodeSettings, env, nodeChecks), ...changes };
}

/** The metrics of a node that is not there: its gauges read 0. */
export function metricsWithoutNode(registry: Registry): NodeMetrics {
  const nothing = () => 0;
  const gauges = {
    state: () => "starting" as const,
    sessions: nothing,
    users: nothing,
    rooms: nothing,
    laggingSessions: nothing,
    logBytes: nothing,
    logLifetimeMs: nothing,
    frameCacheBytes: nothing,
    links: nothing,
    pendingConnections: nothing,
    revocations: nothing,
    authzPending: nothing,
    authzCached: nothing,
    recalledTickets: nothing,
    tails: nothing,
  };
  return createNodeMetrics(registry, gauges, settingsWith());
}

/** What a session's token says of rooms. */
type Claims = Partial<Pick<Identity, "rooms" | "autoJoin">>;

/** The delivery core of a node, with a clock that stands still and sockets of the test's own. */
export class Stage {
  readonly clock = new ManualClock();
  readonly registry = new Registry();
  readonly metrics: NodeMetrics;
  readonly core: DeliveryCore;
  readonly settings: NodeSettings;
  /** A manager that is attached from the start. */
  readonly manager = new FakeManager(EPOCH_A);
  readonly #signsOfLife: TimerHandle;

  /**
   * @param rights made with the stage's clock; by default those that the settings make
   * @param tracing made with the stage's clock; by default nothing is traced
   */
  constructor(
    settings: Partial<NodeSettings> = {},
    budget?: TurnBudget,
    rights?: (clock: ManualClock) => RoomRights,
    tracing?: (clock: ManualClock) => DeliveryTracing,
  ) {
    this.metrics = metricsWithoutNode(this.registry);
    this.settings = settingsWith(settings);
    const { clock, metrics } = this;
    const files = filesWithoutNode(clock);
    const own = { settings: this.settings, files, clock, logger: silentLogger, metrics };
    this.core = createDeliveryCore({
      nodeId: "node-1",
      rights: rights?.(clock) ?? createRooms(own).rights,
      settings: this.settings,
      clock: this.clock,
      logger: silentLogger,
      metrics: this.metrics,
      ...(budget === undefined ? {} : { budget }),
      ...(tracing === undefined ? {} : { tracing: tracing(clock) }),
    });
    this.core.intake.attach(this.manager.epoch, 0);
    const everyMs = (this.settings.LOG_SECONDS * 1000) / 2;
    this.#signsOfLife = this.clock.setInterval(() => this.core.intake.heard(), everyMs);
  }

  /** From now on the node hears only what the test lets it hear; before, it hears a sign of life in time. */
  silence(): void {
    this.clock.clearInterval(this.#signsOfLife);
  }

  open(
    userId: string,
    options: { codec?: Codec; resumes?: boolean; rooms?: string[]; claims?: Claims } = {},
  ): Client {
    const { codec = jsonCodec, resumes = false, rooms = [], claims = {} } = options;
    const identity = { ...identityWithoutToken(userId), ...claims };
    const client = new Client(this.core, identity, codec, resumes);
    for (const room of rooms) client.send({ type: "join", room });
    return client;
  }

  /** One message of the manager, with these pushes. Returns their outcomes, where they have one. */
  push(...pushes: Push[]) {
    return this.pushFrom(this.manager, ...pushes);
  }

  pushFrom(manager: FakeManager, ...pushes: Push[]) {
    manager.atMs = this.clock.now();
    return this.core.intake.take(manager.epoch, manager.message(...pushes), 0);
  }

  /** Lets the event loop come round once: what is pending is flushed, or a slice of it. */
  turn(): Promise<void> {
    return nextTurn();
  }

  /** Lets it come round until nothing can be left to do. */
  async settle(turns = 20): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
  }

  async metric(name: string, labels: Record<string, string>): Promise<number | undefined> {
    const found = (await this.registry.getSingleMetric(name)?.get())?.values ?? [];
    return found.find((value) =>
      Object.entries(labels).every(([label, text]) => value.labels[label] === text),
    )?.value;
  }
}

/** A session and the socket's other end. */
export class Client {
  readonly socket = new FakeSocket();
  readonly session: Session;
  readonly #core: DeliveryCore;
  readonly #codec: Codec;
  #looked = 0;
  /** Ends when all that was sent has been served; unset while nothing waits. */
  #unserved: Promise<void> | undefined;

  constructor(core: DeliveryCore, identity: Identity, codec: Codec, resumes: boolean) {
    this.#core = core;
    this.#codec = codec;
    this.session = core.sessions.open({ identity, codec, socket: this.socket, resumes });
  }

  send(frame: ClientFrame): void {
    const data = clientCodec(this.#codec.subprotocol).encode(frame);
    const serve = () => this.#core.sessions.receive(this.session, data, this.#codec.binary);
    // In order, as the inbox does it.
    const serving = this.#unserved === undefined ? serve() : this.#unserved.then(serve);
    const unserved = serving?.then(() => {
      if (this.#unserved === unserved) this.#unserved = undefined;
    });
    this.#unserved = unserved;
  }

  /** The reader stops: what is written from now on is queued. */
  stop(afterBytes = 0): void {
    this.socket.stop(afterBytes);
  }

  /** The reader reads what is queued, and then so many bytes. */
  read(bytes?: number): void {
    if (this.socket.read(bytes)) this.#core.sessions.drained(this.session);
  }

  /** Every frame that was written. */
  get frames(): SentFrame[] {
    return parseFrames(Buffer.concat(this.socket.writes), this.#codec.subprotocol);
  }

  /** The frames since the last call. */
  news(): SentFrame[] {
    const frames = this.frames.slice(this.#looked);
    this.#looked += frames.length;
    return frames;
  }

  /** The contents of the messages since the last call of `news` or `texts`; other frames by type. */
  texts(): string[] {
    return this.news().map((frame) =>
      frame.type === "message" ? textOf(frame) : `<${frame.type}>`,
    );
  }

  /** The contents of all messages. */
  get messages(): string[] {
    return this.frames.flatMap((frame) => (frame.type === "message" ? [textOf(frame)] : []));
  }
}

function textOf(frame: MessageFrame): string {
  return Buffer.from(frame.content).toString();
}

export const CODECS: Readonly<Record<"json" | "proto", Codec>> = {
  json: jsonCodec,
  proto: protoCodec,
};
