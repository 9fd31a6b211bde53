import fc from "fast-check";
import type { Client } from "./client.ts";
import { Cluster, type ClusterSettings } from "./cluster.ts";
import type { Manager } from "./manager.ts";
import type { Node } from "./node.ts";
import type { PushWish } from "./publisher.ts";

const USERS = ["anna", "bert"] as const;
const ROOMS = ["one", "two"] as const;

/** What can happen to a cluster. Numbers choose among what is there. */
export type Happening =
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "push"; readonly manager: number; readonly wishes: readonly PushWish[] }
  | {
      readonly kind: "command";
      readonly manager: number;
      readonly what: "join" | "leave" | "disconnect";
      readonly user: string;
      readonly room: string;
    }
  | { readonly kind: "join" | "leave"; readonly client: number; readonly room: string }
  | { readonly kind: "cut client"; readonly client: number }
  | { readonly kind: "cut all clients" }
  | { readonly kind: "stall client"; readonly client: number; readonly stalled: boolean }
  | { readonly kind: "cut link"; readonly manager: number; readonly node: number }
  | {
      readonly kind: "stall link";
      readonly manager: number;
      readonly node: number;
      readonly direction: "to node" | "to manager" | "both";
    }
  | { readonly kind: "part nodes"; readonly one: number; readonly other: number }
  | { readonly kind: "isolate node"; readonly node: number }
  | { readonly kind: "heal" }
  | {
      readonly kind: "kill node" | "drain node";
      readonly node: number;
      /** When it is started anew. */
      readonly backMs: number;
    }
  | {
      readonly kind: "kill manager" | "end manager";
      readonly manager: number;
      readonly backMs: number;
    }
  | {
      readonly kind: "set clock";
      readonly whose: "node" | "manager" | "client";
      readonly index: number;
      readonly hours: number;
    };

const index = fc.nat(2);
const room = fc.constantFrom(...ROOMS);
const user = fc.constantFrom(...USERS);
const seldom = fc.oneof(
  { weight: 4, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
);
const fewUsers = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: user.map((one) => [one]) },
);

const wish: fc.Arbitrary<PushWish> = fc.record({
  room: fc.option(room, { freq: 4, nil: undefined }),
  users: fewUsers,
  excluded: fewUsers,
  ephemeral: seldom,
  retried: fc.boolean(),
});

const backMs = fc.integer({ min: 10, max: 6_000 });

/** Weighed so that clients come back often and most of what is pushed can still be recovered. */
export const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 1, max: 60 }) },
        { weight: 4, arbitrary: fc.integer({ min: 60, max: 1_500 }) },
        { weight: 1, arbitrary: fc.integer({ min: 1_500, max: 8_000 }) },
      ),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("push" as const),
      manager: index,
      wishes: fc.array(wish, { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("command" as const),
      manager: index,
      what: fc.constantFrom("join" as const, "leave" as const, "disconnect" as const),
      user,
      room,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("join" as const, "join" as const, "leave" as const),
      client: index,
      room,
    }),
  },
  { weight: 14, arbitrary: fc.record({ kind: fc.constant("cut client" as const), client: index }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("cut all clients" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("stall client" as const),
      client: index,
      stalled: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("cut link" as const), manager: index, node: index }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("stall link" as const),
      manager: index,
      node: index,
      direction: fc.constantFrom("to node" as const, "to manager" as const, "both" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("part nodes" as const), one: index, other: index }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("isolate node" as const), node: index }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("heal" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("kill node" as const, "drain node" as const),
      node: index,
      backMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("kill manager" as const, "end manager" as const),
      manager: index,
      backMs,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("set clock" as const),
      whose: fc.constantFrom("node" as const, "manager" as const, "client" as const),
      index,
      hours: fc.constantFrom(-5, 5),
    }),
  },
);

/** Sizes at which a cluster is looked at: much room, little, and hardly any. */
export const settings: fc.Arbitrary<Partial<ClusterSettings>> = fc.record({
  logBytes: fc.constantFrom(1_000_000, 1_000_000, 40_000, 8_000),
  managerLogBytes: fc.constantFrom(1_000_000, 1_000_000, 10_000, 2_500),
  maxReplay: fc.constantFrom(1_000, 1_000, 5),
  flushWindowMs: fc.constantFrom(0, 0, 30),
});

const NODES = ["node-1", "node-2", "node-3"] as const;
const HOUR_MS = 3_600_000;
/** Far more than it takes everything to reach everybody: links, rounds, clients that try again. */
const COMING_TO_REST_MS = 12_000;

/** A cluster in use, to which things happen. */
export class World {
  readonly cluster: Cluster;

  constructor(init: { settings: Partial<ClusterSettings>; seed: number }) {
    this.cluster = new Cluster({
      ...init,
      settings: { ...init.settings },
      latencyMs: (random) => 1 + Math.floor(random() * random() * 4) * 10,
      turnsAStep: (random) => (random() < 0.5 ? Number.POSITIVE_INFINITY : 1),
    });
  }

  async begin(): Promise<void> {
    const { cluster } = this;
    cluster.startManager();
    cluster.startManager();
    for (const id of NODES) cluster.startNode(id);
    await cluster.until(() => cluster.nodes.every(({ isReady }) => isReady), "all nodes are ready");
    for (const name of [...USERS, USERS[0]]) {
      const client = cluster.addClient(name);
      for (const one of ROOMS) client.join(one);
    }
    await cluster.pass(cluster.settings.lagMs + 1_000);
  }

  apply(one: Happening): void {
    const { cluster } = this;
    const { network, nodes, managers, clients } = cluster;
    switch (one.kind) {
      case "pass":
        break;
      case "push": {
        const manager = at(managers, one.manager);
        if (manager !== undefined) for (const each of one.wishes) cluster.biz.push(manager, each);
        break;
      }
      case "command":
        command(at(managers, one.manager), one);
        break;
      case "join":
        clients[one.client]?.join(one.room);
        break;
      case "leave":
        clients[one.client]?.leave(one.room);
        break;
      case "cut client":
        clients[one.client]?.cut();
        break;
      case "cut all clients":
        for (const client of clients) client.cut();
        break;
      case "stall client":
        clients[one.client]?.stall(one.stalled);
        break;
      case "cut link": {
        const [manager, node] = [at(managers, one.manager), at(nodes, one.node)];
        if (manager && node) network.cut(manager.epoch, node.address);
        break;
      }
      case "stall link": {
        const [manager, node] = [at(managers, one.manager), at(nodes, one.node)];
        if (!manager || !node) break;
        if (one.direction !== "to manager") network.stall(manager.epoch, node.address);
        if (one.direction !== "to node") network.stall(node.address, manager.epoch);
        break;
      }
      case "part nodes": {
        const [first, second] = [at(nodes, one.one), at(nodes, one.other)];
        if (first && second) network.part(first.address, second.address);
        break;
      }
      case "isolate node": {
        const node = at(nodes, one.node);
        if (node) for (const { epoch } of managers) network.part(epoch, node.address);
        break;
      }
      case "heal":
        network.heal();
        break;
      case "kill node":
      case "drain node": {
        const node = at(nodes, one.node);
        if (node === undefined || node.drain.begun) break;
        if (one.kind === "kill node") node.kill(cluster.loop.random() < 0.5);
        else void node.stop();
        cluster.loop.clock.setTimeout(() => this.#startAgain(node.id), one.backMs);
        break;
      }
      case "kill manager":
      case "end manager": {
        const manager = at(managers, one.manager);
        if (manager === undefined) break;
        if (one.kind === "kill manager") manager.kill(cluster.loop.random() < 0.5);
        else void manager.stop();
        cluster.loop.clock.setTimeout(() => cluster.startManager(), one.backMs);
        break;
      }
      case "set clock":
        at<Node | Manager | Client>(cluster[`${one.whose}s`], one.index)?.clock.moveWallClock(
          one.hours * HOUR_MS,
        );
        break;
    }
  }

  /** Everything gets its time, and is judged. */
  async end(): Promise<void> {
    const { cluster } = this;
    cluster.network.heal();
    await cluster.pass(COMING_TO_REST_MS);
    for (const { client, id, warnings } of cluster.clients) {
      for (const { code, message } of warnings) {
        if (code !== "CONNECT_FAILED") cluster.violated(`${id} warns: ${code}: ${message}`);
      }
      if (client.state.state !== "open" && !isDisconnected(client.state)) {
        cluster.violated(`${id} is ${JSON.stringify(client.state)}`);
      }
    }
    cluster.checkLogs();
    cluster.checkComplete();
    cluster.end();
  }

  /** As a StatefulSet does, once the old one is gone. */
  #startAgain(id: string): void {
    if (this.cluster.nodes.some((node) => node.id === id)) {
      this.cluster.loop.clock.setTimeout(() => this.#startAgain(id), 100);
    } else {
      this.cluster.startNode(id);
    }
  }
}

function isDisconnected(state: { state: string; retry?: boolean }): boolean {
  return state.state === "closed" && state.retry === false;
}

function at<Item>(items: readonly Item[], which: number): Item | undefined {
  return items[which % Math.max(1, items.length)];
}

function command(
  manager: Manager | undefined,
  { what, user: userId, room: roomId }: Happening & { kind: "command" },
): void {
  if (what === "disconnect") {
    // A code after which clients come back.
    const value = { userId, code: 4000, reason: "", revokeIssuedBeforeMs: 0n };
    manager?.command({ $case: "disconnect", value });
  } else {
    manager?.command({ $case: what, value: { userId, roomId } });
  }
}
