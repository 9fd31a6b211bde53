import { DeliverResponse, type ReplicateRequest } from "@pushcast/api";
import { createRegistry } from "@pushcast/registry";
import { createLogger, requireSettings } from "@pushcast/runtime";
import { jsonCodec } from "@pushcast/wire";
import { Registry as MetricsRegistry } from "prom-client";
import {
  createDeliveryCore,
  type DeliveryCore,
} from "../../services/connect-node/src/delivery-core.ts";
import { Drain } from "../../services/connect-node/src/drain.ts";
import { Heartbeats } from "../../services/connect-node/src/heartbeats.ts";
import { identityWithoutToken } from "../../services/connect-node/src/identity.ts";
import { answerPeer, toLogRead } from "../../services/connect-node/src/log-reader.ts";
import { ManagerLink } from "../../services/connect-node/src/manager-link.ts";
import { ManagerLinks } from "../../services/connect-node/src/manager-links.ts";
import type {
  ConnectToPeer,
  PeerConnection,
} from "../../services/connect-node/src/peer-connection.ts";
import { Peers } from "../../services/connect-node/src/peers.ts";
import { Readiness } from "../../services/connect-node/src/readiness.ts";
import {
  decodeReplicateMessage,
  encodeReplicateMessage,
} from "../../services/connect-node/src/replicate-message.ts";
import { Replication } from "../../services/connect-node/src/replication.ts";
import { createRooms } from "../../services/connect-node/src/rooms/create-rooms.ts";
import {
  type NodeSettings,
  nodeChecks,
  nodeSettings,
} from "../../services/connect-node/src/settings.ts";
import { filesWithoutNode, metricsWithoutNode } from "../../services/connect-node/test/stage.ts";
import { NodeSideSocket } from "./client-socket.ts";
import type { Cluster } from "./cluster.ts";
import { ProcessClock } from "./event-loop.ts";
import type { Socket, SocketEvents } from "./network.ts";

/** The first message on a connection says what it is for. */
export type Hello =
  | { readonly kind: "deliver" }
  | { readonly kind: "replicate"; readonly request: ReplicateRequest }
  | { readonly kind: "websocket"; readonly userId: string; readonly resumes: boolean };

/** A manager's stream: it writes nothing more, and awaits the end. */
export const HALF_CLOSE = Symbol("half close");

/** As in the process. */
const HOUSEKEEPING_MS = 1_000;
const PEER_SILENT_MS = 3_000;

const settings: NodeSettings = requireSettings(
  nodeSettings,
  { AUTH_MODE: "none", REGISTRY: "memory" },
  nodeChecks,
);
const logger = createLogger({ service: "connect-node", level: "silent" });
const metrics = metricsWithoutNode(new MetricsRegistry());

/** A connect-node without servers, put together as its process does. */
export class Node {
  readonly id: string;
  /** Its address; another for each start. */
  readonly address: string;
  readonly clock: ProcessClock;
  readonly core: DeliveryCore;
  readonly links: ManagerLinks;
  readonly drain: Drain;
  readonly #cluster: Cluster;
  readonly #heartbeats: Heartbeats;
  readonly #replication: Replication;
  readonly #readiness: Readiness;
  #ended = false;

  constructor(cluster: Cluster, id: string, address: string) {
    const { settings: times } = cluster;
    this.id = id;
    this.address = address;
    this.#cluster = cluster;
    this.clock = new ProcessClock(cluster.loop);
    const { clock } = this;
    const files = filesWithoutNode(clock);
    this.core = createDeliveryCore({
      nodeId: id,
      rights: createRooms({ settings, files, clock, logger, metrics }).rights,
      settings: {
        ...settings,
        LOG_BYTES: times.logBytes,
        LOG_SECONDS: times.logMs / 1000,
        LAG_SECONDS: times.lagMs / 1000,
        MAX_REPLAY_MESSAGES: times.maxReplay,
        SESSION_BUFFER_BYTES: times.sessionBufferBytes,
        HEARTBEAT_MS: times.heartbeatMs,
        FLUSH_WINDOW_MS: times.flushWindowMs,
      },
      clock,
      logger,
      metrics,
      budget: { flushSends: 2, sessionEntries: 3, entries: 6 },
    });
    const { hub, sessions, intake, log } = this.core;
    this.links = new ManagerLinks(intake);
    this.drain = new Drain({
      hub,
      sessions,
      clock,
      acceptMs: times.drainAcceptMs,
      handOverMs: times.drainMs,
      onProgress: () => {},
    });
    this.#heartbeats = new Heartbeats({
      clock,
      intervalMs: times.heartbeatMs,
      beat: (session) => sessions.heartbeat(session),
    });
    const registry = createRegistry({ kind: "memory", memory: cluster.memory }, () => {});
    this.#replication = new Replication({
      log,
      intake,
      revocations: this.core.revocations,
      links: this.links,
      peers: new Peers({
        self: { nodeId: id, grpcAddress: address },
        registry,
        connect: this.#connectToPeer,
      }),
      maxBytes: times.logBytes,
      times: {
        warmMs: times.warmMs,
        reattachMs: times.reattachMs,
        logMs: times.logMs,
        lagMs: times.lagMs,
      },
      clock,
      logger,
      metrics,
    });
    cluster.network.listen(address, (socket, hello) => this.#accept(socket, hello as Hello));
    clock.setInterval(this.core.housekeep, HOUSEKEEPING_MS);
    this.#heartbeats.start();
    this.core.positionFrames.start();
    this.#readiness = new Readiness({
      registry,
      isDraining: () => this.drain.begun || this.#ended,
      onReady: () => {},
    });
    void this.#readiness.begin(this.#replication, {
      nodeId: id,
      grpcAddress: address,
      zone: "",
      version: "1.0.0",
      startedAt: new Date(clock.now()).toISOString(),
    });
  }

  get isReady(): boolean {
    return this.#readiness.ready && !this.#ended;
  }

  /** Whether the load balancer sends clients here. */
  get takesClients(): boolean {
    return this.isReady && !this.drain.begun;
  }

  /** The process is gone from one moment to the next; its key stays until its lease ends. */
  kill(losesUnread = true): void {
    this.#end();
    this.#cluster.network.died(this.address, losesUnread);
    const { memory, loop, settings: times } = this.#cluster;
    loop.clock.setTimeout(() => {
      if (memory.nodes.get(this.id)?.grpcAddress === this.address) memory.delete(this.id);
    }, times.leaseMs);
  }

  /** As by SIGTERM: clients are handed over, managers told, the lease given back. */
  async stop(): Promise<void> {
    if (this.drain.begun) return await this.drain.run();
    this.#readiness.sayDraining();
    await this.drain.run();
    if (this.#ended) return;
    this.links.closeAll();
    await this.#readiness.release();
    this.#replication.stop();
    this.core.positionFrames.stop();
    await new Promise<void>((resolve) => this.clock.setTimeout(resolve, 100));
    this.links.endAll();
    this.#end();
    this.#cluster.network.died(this.address, false);
  }

  #end(): void {
    this.#ended = true;
    this.clock.stop();
    this.#replication.stop();
    this.core.positionFrames.stop();
    this.#cluster.ended(this);
  }

  #accept(socket: Socket, hello: Hello): SocketEvents {
    switch (hello.kind) {
      case "deliver":
        return this.#acceptManager(socket);
      case "replicate":
        return this.#sendLog(socket, hello.request);
      case "websocket":
        return this.#acceptClient(socket, hello);
    }
  }

  #acceptManager(socket: Socket): SocketEvents {
    let link: ManagerLink | undefined;
    let isOver = false;
    const unread: Buffer[] = [];
    const remove = () => link !== undefined && this.links.remove(link);
    const admit = () => {
      const { id: nodeId, clock } = this;
      const admitted = new ManagerLink({
        nodeId,
        version: "1.0.0",
        intake: this.core.intake,
        clock,
        logger,
        onAttached: (attached) => this.links.attachedAs(attached),
        stream: {
          send: (response) => socket.send(DeliverResponse.encode(response).finish()),
          end: (problem) => {
            socket.close(problem ?? "ended");
            if (problem !== undefined) remove();
          },
        },
      });
      link = admitted;
      this.links.add(admitted);
      for (const bytes of unread) admitted.receive(bytes);
    };
    const events: SocketEvents = {
      onMessage: (message) => {
        if (message === HALF_CLOSE) {
          remove();
          socket.close("OK");
        } else if (link !== undefined) link.receive(message as Buffer);
        else unread.push(message as Buffer);
      },
      onEnd: () => {
        isOver = true;
        remove();
        socket.close("ended");
      },
    };
    void this.#readiness.admitsManagers.then(() => {
      if (!isOver && !this.#ended) admit();
    });
    return events;
  }

  #acceptClient(socket: Socket, { userId, resumes }: Hello & { kind: "websocket" }): SocketEvents {
    const { sessions } = this.core;
    if (!this.isReady || !this.drain.accepts) {
      socket.close({ code: 1006, reason: "HTTP 503" });
      return { onMessage: () => {}, onEnd: () => {} };
    }
    const clientSocket = new NodeSideSocket(socket);
    const session = sessions.open({
      identity: identityWithoutToken(userId),
      codec: jsonCodec,
      socket: clientSocket,
      resumes,
    });
    this.#heartbeats.add(session);
    const ended = () => {
      this.#heartbeats.remove(session);
      sessions.ended(session);
    };
    clientSocket.onClosed = ended;
    clientSocket.onDrained = () => sessions.drained(session);
    return {
      onMessage: (message) => {
        if (message === "pong") sessions.alive(session);
        else void sessions.receive(session, Buffer.from(message as string), false);
      },
      onRead: () => clientSocket.wasRead(),
      onEnd: ended,
    };
  }

  /** As the service does: a message a turn, unless it would say nothing and the last was just now. */
  #sendLog(socket: Socket, request: ReplicateRequest): SocketEvents {
    let isOver = false;
    if (!this.isReady) {
      socket.close("NODE_STARTING");
      isOver = true;
    }
    const messages = answerPeer(this.core.log, toLogRead(request), () => this.clock.monotonicMs(), {
      bytes: 100_000,
      entries: this.#cluster.settings.replicateEntries,
    });
    const next = () => {
      if (isOver || this.#ended) return;
      const { done, value: message } = messages.next();
      if (done === true) {
        socket.close("done");
        return;
      }
      if (message !== undefined) socket.send(encodeReplicateMessage(message));
      this.clock.setTimeout(next, this.#cluster.settings.replicateMs());
    };
    next();
    return {
      onMessage: () => {},
      onEnd: () => {
        isOver = true;
      },
    };
  }

  readonly #connectToPeer: ConnectToPeer = (address): PeerConnection => {
    const calls = new Set<(problem: string) => void>();
    return {
      replicate: (request, onMessage) =>
        new Promise((resolve, reject) => {
          const fail = (problem: string) => {
            socket.close("cancelled");
            end(new Error(problem));
          };
          const end = (error: unknown) => {
            this.clock.clearTimeout(silence);
            calls.delete(fail);
            if (error === undefined) resolve();
            else reject(error);
          };
          const wait = () => this.clock.setTimeout(() => fail("silent"), PEER_SILENT_MS);
          let silence = wait();
          calls.add(fail);
          const hello: Hello = { kind: "replicate", request };
          const socket = this.#cluster.network.connect(this.address, address, hello, {
            onMessage: (message) => {
              this.clock.clearTimeout(silence);
              silence = wait();
              try {
                onMessage(decodeReplicateMessage(message as Buffer));
              } catch (error) {
                socket.close("cancelled");
                end(error);
              }
            },
            onEnd: (reason) => end(reason === "done" ? undefined : new Error(String(reason))),
          });
        }),
      close: () => {
        for (const fail of [...calls]) fail("closed");
      },
    };
  };
}
