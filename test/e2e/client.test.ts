import { randomUUID } from "node:crypto";
import {
  type Client,
  type ClientState,
  type ConnectOptions,
  connect,
  type Subprotocol,
} from "@pushcast/client";
import { describe, expect } from "vitest";
import { WebSocket } from "ws";
import { newSecret, TestFile, token } from "../../services/connect-node/test/tokens.ts";
import type { RunningNode } from "../support/processes.ts";
import { range } from "../support/range.ts";
import { it, type Stage } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

const SUBPROTOCOLS: readonly Subprotocol[] = ["pushcast.v1.json", "pushcast.v1.proto"];
/** A node recovers nobody before its log is older than this. */
const LAG_SECONDS = 0.1;
const PUSH_EVERY_MS = 10;
const CLIENTS = 10;
/** Of a token that is to be renewed; less up to a second, as its times are whole seconds. */
const LIFE_MS = 2_000;

/** A client in the room `r`, and all that it tells its app. */
class Listener {
  readonly client: Client;
  readonly texts: string[] = [];
  readonly gaps: string[] = [];
  readonly states: ClientState[] = [];
  readonly protocols = new Set<string>();

  constructor(stage: Stage, options: Partial<ConnectOptions> & Pick<ConnectOptions, "url">) {
    const { protocols } = this;
    this.client = connect({
      WebSocket: class extends WebSocket {
        constructor(url: string, offered: string[]) {
          super(url, offered);
          this.addEventListener("open", () => protocols.add(this.protocol));
        }
      },
      minDelayMs: 50,
      maxDelayMs: 500,
      onGap: ({ room = "self", reason }) => this.gaps.push(`${room}: ${reason}`),
      ...options,
    });
    stage.atEnd(() => this.client.close());
    this.client.on("state", (state) => this.states.push(state));
    this.client.room("r").on("message", ({ content }) => this.texts.push(String(content)));
  }

  get names(): string[] {
    return this.states.map(({ state }) => state);
  }

  isOpenOn({ nodeId }: RunningNode): boolean {
    const { state } = this.client;
    return state.state === "open" && state.nodeId === nodeId;
  }

  async untilOpenOn(node: RunningNode): Promise<void> {
    await until(`open on ${node.nodeId}`, () => this.isOpenOn(node));
  }
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}

/** Ends the pushes, and checks that each came once, in order, from the first that it heard. */
async function expectAll(steady: SteadyPushes, listeners: readonly Listener[]): Promise<void> {
  const contents = await steady.stop();
  expect(steady.refused).toEqual([]);
  const last = contents.at(-1) ?? "";
  await until("the last push", () => listeners.every(({ texts }) => texts.at(-1) === last));
  for (const { texts, gaps } of listeners) {
    expect(texts).toEqual(contents.slice(contents.indexOf(texts[0] ?? "")));
    expect(gaps).toEqual([]);
  }
}

describe.concurrent("the client with real processes", { timeout: 60_000 }, () => {
  it("goes on where it was on another node when its own is killed, in either subprotocol", async ({
    stage,
  }) => {
    const { nodes, publisher } = await stage.cluster(2, { node: { LAG_SECONDS } });
    const [first, second] = [at(nodes, 0), at(nodes, 1)];
    await Promise.all(nodes.map((node) => node.warm()));
    let url = first.wsUrl;
    const listeners = SUBPROTOCOLS.map(
      (subprotocol) => new Listener(stage, { url: () => url, userId: subprotocol, subprotocol }),
    );
    for (const listener of listeners) await listener.untilOpenOn(first);
    const steady = new SteadyPushes(publisher, "r", PUSH_EVERY_MS);
    await until("a push", () => listeners.every(({ texts }) => texts.length > 0));
    url = second.wsUrl;
    await first.process.stop("SIGKILL");
    for (const listener of listeners) await listener.untilOpenOn(second);
    await expectAll(steady, listeners);
    for (const [index, { names, protocols }] of listeners.entries()) {
      expect(names).toEqual(["resuming", "open", "closed", "connecting", "resuming", "open"]);
      expect([...protocols]).toEqual([SUBPROTOCOLS[index]]);
    }
  });

  it("is never closed, and repeats and loses nothing, while all nodes are replaced", async ({
    stage,
  }) => {
    const settings = { LAG_SECONDS, DRAIN_SECONDS: 1 };
    const { etcd, nodes, publisher } = await stage.cluster(2, { node: settings });
    const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint, ...settings };
    const successors = await Promise.all(nodes.map(() => stage.node(found)));
    const all = [...nodes, ...successors];
    await Promise.all(all.map((node) => node.warm()));
    await publisher.untilLinked(all.map(({ nodeId }) => nodeId));
    const running = [...nodes];
    let connects = 0;
    const url = () => {
      connects += 1;
      return at(running, connects % running.length).wsUrl;
    };
    const listeners = range(0, CLIENTS).map(
      (n) => new Listener(stage, { url, userId: `u${n}`, subprotocol: at(SUBPROTOCOLS, n % 2) }),
    );
    const areOpen = () => listeners.every(({ client }) => client.state.state === "open");
    await until("all are open", areOpen);
    const steady = new SteadyPushes(publisher, "r", PUSH_EVERY_MS);
    await until("a push", () => listeners.every(({ texts }) => texts.length > 0));
    for (const [index, old] of nodes.entries()) {
      running.splice(running.indexOf(old), 1, at(successors, index));
      expect(await old.process.stop()).toBe(0);
    }
    await until("all are on the new nodes", () =>
      listeners.every((listener) => running.some((node) => listener.isOpenOn(node))),
    );
    await expectAll(steady, listeners);
    for (const { names } of listeners) expect(names).not.toContain("closed");
    expect(connects).toBeGreaterThan(2 * CLIENTS - 1);
  });

  it("renews its token on the open connection before it expires", async ({ stage }) => {
    const { node, sign } = await nodeWithTokens(stage);
    let given = 0;
    const listener = new Listener(stage, {
      url: node.wsUrl,
      token: () => {
        given += 1;
        return sign(LIFE_MS);
      },
    });
    await listener.untilOpenOn(node);
    const startedMs = performance.now();
    // The first token and the second, each with the node's tolerance of a second.
    const livedMs = 2 * LIFE_MS + 1_000;
    await until("it has outlived two tokens", () => performance.now() - startedMs > livedMs);
    expect(given).toBeGreaterThan(2);
    expect(listener.names).toEqual(["resuming", "open"]);
  });

  it("comes back with a new token after a revocation, and gives up without another", async ({
    stage,
  }) => {
    const { node, sign } = await nodeWithTokens(stage);
    const manager = await stage.manager({ REGISTRY: "static", NODES: node.grpcAddress });
    const publisher = stage.publisher(manager);
    await publisher.untilLinked([node.nodeId]);
    const old = await sign(60_000);
    const only = new Listener(stage, { url: node.wsUrl, token: () => old });
    // One of the second of the revocation is refused in the handshake, and asked for again.
    const renewed = new Listener(stage, { url: node.wsUrl, token: () => sign(60_000) });
    for (const listener of [only, renewed]) await listener.untilOpenOn(node);
    await publisher.disconnectUser("ann", 0, "logged out", true);
    const isOver = ({ client: { state } }: Listener) => state.state === "closed" && !state.retry;
    await until("the one has given up", () => isOver(only));
    expect(only.client.state).toMatchObject({ code: 4401, name: "TOKEN_REFUSED" });
    await until(
      "the other is back",
      () => renewed.names.filter((name) => name === "open").length > 1,
    );
    expect(renewed.states).toContainEqual(
      expect.objectContaining({ code: 4401, name: "TOKEN_EXPIRED", retry: true }),
    );
    expect(renewed.client.state.state).toBe("open");
  });
});

async function nodeWithTokens(stage: Stage) {
  const secret = newSecret();
  const file = new TestFile(secret.text);
  stage.atEnd(() => file.close());
  const node = await stage.node({
    REGISTRY: "memory",
    LAG_SECONDS,
    AUTH_MODE: "jwt",
    JWT_SECRET_FILE: file.path,
    JWT_CLOCK_TOLERANCE_SECONDS: 1,
  });
  await node.warm();
  /** A token of ann that may join `r`. */
  const sign = (lifeMs: number) => {
    const nowMs = Date.now();
    const exp = Math.floor((nowMs + lifeMs) / 1000);
    return token(secret, nowMs, { rooms: ["r"], exp, jti: randomUUID() });
  };
  return { node, sign };
}
