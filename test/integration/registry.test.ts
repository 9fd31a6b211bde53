import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  createRegistry,
  type EtcdRegistryOptions,
  type NodeRecord,
  type Registry,
  type RegistryEvent,
} from "@pushcast/registry";
import { describe, expect, test, vi } from "vitest";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { compact, deleteKey, getKey, putKey } from "../support/etcd-keys.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";

const TTL_S = 2;
const TTL_MS = TTL_S * 1_000;
const OUTAGE_MS = 3 * TTL_MS;
const NODE_PREFIX = "/pushcast/nodes/";

class Stage {
  readonly #cleanups: (() => Promise<void>)[] = [];

  async etcd(): Promise<Etcd> {
    const etcd = await startEtcd();
    this.#cleanups.push(() => etcd.close());
    return etcd;
  }

  async proxy(port: number): Promise<FaultProxy> {
    const proxy = await startFaultProxy({ host: "127.0.0.1", port });
    this.#cleanups.push(() => proxy.close());
    return proxy;
  }

  registry(endpoints: string | string[], options: Partial<EtcdRegistryOptions> = {}) {
    const events: RegistryEvent[] = [];
    /** When a registration was tried, as far as events tell. */
    const triedAtMs: number[] = [];
    const registry = createRegistry(
      { kind: "etcd", endpoints: [endpoints].flat(), registrationTtlS: TTL_S, ...options },
      (event) => {
        events.push(event);
        if (/registered|-failed/.test(event.type)) triedAtMs.push(performance.now());
      },
    );
    this.#cleanups.push(() => registry.close());
    return { registry, events, triedAtMs };
  }

  /** A registry whose watch is looked at. */
  watch(endpoints: string | string[], options: Partial<EtcdRegistryOptions> = {}) {
    const { registry, events } = this.registry(endpoints, options);
    return new Seen(registry, events);
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
  }
}

/** What a watch has told. */
class Seen {
  readonly events: readonly RegistryEvent[];
  nodes: ReadonlyMap<string, NodeRecord> = new Map();
  fewestNodes = Number.POSITIVE_INFINITY;
  #calls = 0;

  constructor(registry: Registry, events: readonly RegistryEvent[]) {
    this.events = events;
    registry.watch((nodes) => {
      this.#calls += 1;
      this.nodes = nodes;
      this.fewestNodes = Math.min(this.fewestNodes, nodes.size);
    });
  }

  /** Waits until the watch has told of nodes that match. */
  until(matches: (nodes: ReadonlyMap<string, NodeRecord>) => boolean): Promise<void> {
    return until(() => this.#calls > 0 && matches(this.nodes));
  }
}

const it = test.extend<{ stage: Stage }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from the pattern.
  stage: async ({}, use) => {
    const stage = new Stage();
    await use(stage);
    await stage.close();
  },
});

function tellsOf(words: string): (event: RegistryEvent) => boolean {
  return (event) => "error" in event && event.error.message.includes(words);
}

async function until(condition: () => boolean): Promise<void> {
  await vi.waitUntil(condition, { timeout: 12_000, interval: 10 });
}

function node(nodeId: string): NodeRecord {
  return {
    nodeId,
    grpcAddress: "127.0.0.1:50052",
    state: "starting",
    zone: "z1",
    version: "1.2.3",
    startedAt: "2026-01-02T03:04:05.000Z",
  };
}

/** The most moments that lie within one second. */
function mostWithinASecond(momentsMs: readonly number[]): number {
  return Math.max(
    0,
    ...momentsMs.map((from) => momentsMs.filter((at) => at >= from && at < from + 1_000).length),
  );
}

describe.concurrent("the etcd registry", { timeout: 30_000 }, () => {
  it("shows a node that registers, and its changes, to a watch", async ({ stage }) => {
    const etcd = await stage.etcd();
    const seen = stage.watch(etcd.endpoint);
    await seen.until((nodes) => nodes.size === 0);
    const registration = stage.registry(etcd.endpoint).registry.register(node("a"));
    await registration.registered;
    await seen.until((nodes) => nodes.get("a")?.state === "starting");
    expect(seen.nodes.get("a")).toEqual(node("a"));
    await registration.update({ state: "ready" });
    expect(JSON.parse((await getKey(etcd.endpoint, `${NODE_PREFIX}a`)) ?? "")).toEqual({
      ...node("a"),
      state: "ready",
    });
    await seen.until((nodes) => nodes.get("a")?.state === "ready");
  });

  it("writes the latest of several updates, and resolves each", async ({ stage }) => {
    const etcd = await stage.etcd();
    const registration = stage.registry(etcd.endpoint).registry.register(node("a"));
    await Promise.all([
      registration.update({ state: "ready" }),
      registration.update({ state: "draining" }),
      registration.update({ state: "ready" }),
      registration.update({ state: "draining" }),
    ]);
    expect(await getKey(etcd.endpoint, `${NODE_PREFIX}a`)).toContain("draining");
  });

  it("shows the nodes that were there before the watch", async ({ stage }) => {
    const etcd = await stage.etcd();
    await stage.registry(etcd.endpoint).registry.register(node("a")).registered;
    const seen = stage.watch(etcd.endpoint);
    await seen.until(() => true);
    expect([...seen.nodes.keys()]).toEqual(["a"]);
  });

  it("removes a node that is released, within a second", async ({ stage }) => {
    const etcd = await stage.etcd();
    const seen = stage.watch(etcd.endpoint);
    const registration = stage.registry(etcd.endpoint).registry.register(node("a"));
    await seen.until((nodes) => nodes.has("a"));
    const releasedAtMs = performance.now();
    await registration.release();
    expect(await getKey(etcd.endpoint, `${NODE_PREFIX}a`)).toBeUndefined();
    await seen.until((nodes) => !nodes.has("a"));
    expect(performance.now() - releasedAtMs).toBeLessThan(1_000);
    expect(seen.events).toEqual([]);
  });

  it("leaves nothing behind when a node is released while it registers", async ({ stage }) => {
    const etcd = await stage.etcd();
    const { registry } = stage.registry(etcd.endpoint);
    const registration = registry.register(node("a"));
    await Promise.all([registration.release(), registration.update({ state: "draining" })]);
    expect(await getKey(etcd.endpoint, `${NODE_PREFIX}a`)).toBeUndefined();
  });

  it("removes a node that ends without release when its lease does, and takes it back", async ({
    stage,
  }) => {
    const etcd = await stage.etcd();
    const proxy = await stage.proxy(etcd.port);
    const seen = stage.watch(etcd.endpoint);
    const a = stage.registry(`http://127.0.0.1:${proxy.port}`);
    a.registry.register(node("a"));
    await seen.until((nodes) => nodes.has("a"));
    const endedAtMs = performance.now();
    await proxy.suspend();
    await seen.until((nodes) => !nodes.has("a"));
    const goneAfterMs = performance.now() - endedAtMs;
    expect(goneAfterMs).toBeGreaterThan(TTL_MS / 2);
    expect(goneAfterMs).toBeLessThan(2 * TTL_MS);
    await proxy.resume();
    await seen.until((nodes) => nodes.has("a"));
  });

  it("restores the key when somebody else removes or changes it", async ({ stage }) => {
    const etcd = await stage.etcd();
    const a = stage.registry(etcd.endpoint);
    await a.registry.register(node("a")).registered;
    const restored = () => a.events.filter(({ type }) => type === "record-restored").length;
    await deleteKey(etcd.endpoint, `${NODE_PREFIX}a`);
    await until(() => restored() === 1);
    await putKey(etcd.endpoint, `${NODE_PREFIX}a`, "{}");
    await until(() => restored() === 2);
    expect(await getKey(etcd.endpoint, `${NODE_PREFIX}a`)).toBe(JSON.stringify(node("a")));
  });

  it("keeps the nodes while etcd is away, and is whole again soon after", async ({ stage }) => {
    const etcd = await stage.etcd();
    const seen = await outage(stage, etcd, {
      begin: () => etcd.stop(),
      end: () => etcd.start(),
    });
    // etcd renews all leases when it starts, so the nodes were there all along.
    expect(seen.fewestNodes).toBe(2);
  });

  it("is whole again soon after etcd was wiped", async ({ stage }) => {
    const etcd = await stage.etcd();
    // Brings etcd's revision well above what it has after it was wiped.
    for (let i = 0; i < 50; i += 1) await putKey(etcd.endpoint, "other", String(i));
    await outage(stage, etcd, { begin: () => etcd.stop(), end: () => etcd.wipe() });
  });

  it("is whole again soon after etcd was wiped without a pause", async ({ stage }) => {
    const etcd = await stage.etcd();
    for (let i = 0; i < 50; i += 1) await putKey(etcd.endpoint, "other", String(i));
    await outage(stage, etcd, { begin: async () => {}, end: () => etcd.wipe() }, 0);
  });

  it("keeps the nodes while etcd is frozen, and is whole again soon after", async ({ stage }) => {
    const etcd = await stage.etcd();
    await outage(stage, etcd, { begin: async () => etcd.freeze(), end: async () => etcd.thaw() });
  });

  it("starts while etcd is away", async ({ stage }) => {
    const etcd = await stage.etcd();
    await etcd.stop();
    const seen = stage.watch(etcd.endpoint);
    const a = stage.registry(etcd.endpoint);
    a.registry.register(node("a"));
    await until(() => a.events.some(({ type }) => type === "registration-failed"));
    await until(() => seen.events.some(({ type }) => type === "sync-failed"));
    await etcd.start();
    await seen.until((nodes) => nodes.has("a"));
  });

  it("does without an endpoint that is away", async ({ stage }) => {
    const etcd = await stage.etcd();
    const away = await stage.etcd();
    await away.stop();
    const endpoints = [away.endpoint, etcd.endpoint];
    const seen = stage.watch(endpoints);
    for (const id of ["a", "b", "c"]) stage.registry(endpoints).registry.register(node(id));
    await seen.until((nodes) => nodes.size === 3);
  });

  it("lists again when the revision to watch from was compacted", async ({ stage }) => {
    const etcd = await stage.etcd();
    const proxy = await stage.proxy(etcd.port);
    // No probes, so that only the answer to a list can be held below.
    const options = { listIntervalMs: 100, watchSilenceMs: 60_000, callTimeoutMs: 10_000 };
    const seen = stage.watch(`http://127.0.0.1:${proxy.port}`, options);
    await seen.until(() => true);
    for (let i = 0; !seen.events.some(tellsOf("compacted")); i += 1) {
      proxy.pause("to-client");
      await until(() => proxy.heldBytes() > 0);
      await putKey(etcd.endpoint, "other", "1");
      await compact(etcd.endpoint, await putKey(etcd.endpoint, "other", "2"));
      proxy.unpause();
      const id = `node-${i}`;
      await putKey(etcd.endpoint, NODE_PREFIX + id, JSON.stringify(node(id)));
      await seen.until((nodes) => nodes.has(id));
    }
  });

  it("lists from time to time although the watch is well", async ({ stage }) => {
    const etcd = await stage.etcd();
    const proxy = await stage.proxy(etcd.port);
    const seen = stage.watch(`http://127.0.0.1:${proxy.port}`, {
      listIntervalMs: 100,
      watchSilenceMs: 60_000,
      callTimeoutMs: 300,
    });
    await seen.until(() => true);
    // Only a list that is sent and gets no answer can fail here: the watch has nothing to say.
    proxy.pause("to-client");
    await until(() => seen.events.some(tellsOf("list at http://")));
  });

  it("notices a watch that is silently dead", async ({ stage }) => {
    const etcd = await stage.etcd();
    const proxy = await stage.proxy(etcd.port);
    const seen = stage.watch(`http://127.0.0.1:${proxy.port}`, { watchSilenceMs: 600 });
    await seen.until(() => true);
    // Seen by the watch, so that it is known to be there.
    await putKey(etcd.endpoint, `${NODE_PREFIX}first`, JSON.stringify(node("first")));
    await seen.until((nodes) => nodes.has("first"));
    proxy.pause("to-client");
    await until(() => seen.events.some(({ type }) => type === "watch-lost"));
    await putKey(etcd.endpoint, `${NODE_PREFIX}a`, JSON.stringify(node("a")));
    proxy.unpause();
    await seen.until((nodes) => nodes.has("a"));
    expect(seen.events.filter(({ type }) => type === "watch-lost")).toHaveLength(1);
  });

  it("leaves no connections behind while etcd is frozen", async ({ stage }) => {
    const etcd = await stage.etcd();
    const proxy = await stage.proxy(etcd.port);
    const options = { watchSilenceMs: 300, callTimeoutMs: 100 };
    const seen = stage.watch(`http://127.0.0.1:${proxy.port}`, options);
    await seen.until(() => true);
    etcd.freeze();
    await until(() => seen.events.filter(({ type }) => type === "sync-failed").length >= 4);
    expect(proxy.connections).toBeLessThanOrEqual(2);
    etcd.thaw();
    await putKey(etcd.endpoint, `${NODE_PREFIX}a`, JSON.stringify(node("a")));
    await seen.until((nodes) => nodes.has("a"));
    await until(() => proxy.connections === 1);
  });

  it("keeps a quiet watch open", async ({ stage }) => {
    const etcd = await stage.etcd();
    const seen = stage.watch(etcd.endpoint, { watchSilenceMs: 900 });
    await seen.until(() => true);
    await sleep(1_800);
    expect(seen.events).toEqual([]);
  });

  it("skips a value that is no record, says so once, and keeps the others", async ({ stage }) => {
    const etcd = await stage.etcd();
    const key = `${NODE_PREFIX}bad`;
    await putKey(etcd.endpoint, key, "{not json");
    const seen = stage.watch(etcd.endpoint, { listIntervalMs: 100 });
    await seen.until(() => true);
    await putKey(etcd.endpoint, key, "{not json");
    await putKey(etcd.endpoint, `${NODE_PREFIX}a`, JSON.stringify(node("a")));
    await seen.until((nodes) => nodes.has("a"));
    await putKey(etcd.endpoint, key, "{}");
    // A list among many may fail where etcd has to wait for a core.
    const invalid = () => seen.events.filter(({ type }) => type === "invalid-record");
    await until(() => invalid().length === 2);
    expect(invalid()).toEqual([
      { type: "invalid-record", key, problem: "not JSON" },
      { type: "invalid-record", key, problem: "nodeId is missing" },
    ]);
    await putKey(etcd.endpoint, key, JSON.stringify(node("bad")));
    await seen.until((nodes) => nodes.has("bad"));
  });

  it("gives up a release in bounded time when etcd cannot be reached", async ({ stage }) => {
    const etcd = await stage.etcd();
    const a = stage.registry(etcd.endpoint, { settleTimeoutMs: 800 });
    const registration = a.registry.register(node("a"));
    await registration.registered;
    etcd.freeze();
    const startedAtMs = performance.now();
    await registration.update({ state: "draining" });
    await registration.release();
    expect(performance.now() - startedAtMs).toBeLessThan(2 * 800 + 500);
    expect(a.events.at(-1)?.type).toBe("release-failed");
  });

  it.for(["there", "away"])(
    "lets the process end once closed, with etcd %s",
    async (where, { stage }) => {
      const etcd = await stage.etcd();
      if (where === "away") await etcd.stop();
      const program = `
      import { createRegistry } from "@pushcast/registry";
      const options = { kind: "etcd", endpoints: [${JSON.stringify(etcd.endpoint)}], registrationTtlS: 2 };
      const registry = createRegistry(options, (event) => console.log(event.type));
      const watch = registry.watch(() => {});
      const registration = registry.register(${JSON.stringify(node("a"))});
      if (${where === "there"}) await Promise.all([watch.synced, registration.registered]);
      const closedAtMs = performance.now();
      await registry.close();
      process.on("exit", () => console.log(performance.now() - closedAtMs < 4_000));
    `;
      const args = ["--conditions=source", "--import=tsx", "--input-type=module", "-e", program];
      const cwd = fileURLToPath(new URL("../..", import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, args, {
        cwd,
        timeout: 20_000,
      });
      expect(stdout.trim().split("\n").at(-1)).toBe("true");
    },
  );
});

/**
 * Registers two nodes, takes etcd away, and expects that the watch keeps them, that nobody spins,
 * and that all is well soon after.
 */
async function outage(
  stage: Stage,
  etcd: Etcd,
  fault: { begin(): Promise<void>; end(): Promise<void> },
  durationMs = OUTAGE_MS,
) {
  const seen = stage.watch(etcd.endpoint);
  const a = stage.registry(etcd.endpoint);
  const b = stage.registry(etcd.endpoint);
  await Promise.all([a, b].map(({ registry }, i) => registry.register(node(`${i}`)).registered));
  await seen.until((nodes) => nodes.size === 2);
  seen.fewestNodes = seen.nodes.size;

  await fault.begin();
  await sleep(durationMs);
  expect(seen.fewestNodes).toBe(2);
  for (const { events } of [a, b]) events.length = 0;
  const whileAway = [a.triedAtMs.length, b.triedAtMs.length];
  await fault.end();
  const backAtMs = performance.now();

  for (const { events } of [a, b]) {
    await until(() => events.some(({ type }) => type === "registered"));
  }
  await seen.until((nodes) => nodes.size === 2);
  expect(performance.now() - backAtMs).toBeLessThan(5_000);
  if (durationMs > TTL_MS) for (const tries of whileAway) expect(tries).toBeGreaterThan(2);
  for (const { triedAtMs } of [a, b]) expect(mostWithinASecond(triedAtMs)).toBeLessThan(5);

  const lateAtMs = performance.now();
  await stage.registry(etcd.endpoint).registry.register(node("late")).registered;
  await seen.until((nodes) => nodes.has("late"));
  expect(performance.now() - lateAtMs).toBeLessThan(2_000);
  return seen;
}
