import { resolveConfig } from "@pushcast/cdk8s";
import { type Client, type ClientState, connect } from "@pushcast/client";
import { nodeSettings } from "@pushcast/connect-node";
import { describe, expect } from "vitest";
import { WebSocket } from "ws";
import { manifestsOf, ofKind } from "../../infra/cdk8s/test/support/manifests.ts";
import { handshake } from "../support/handshake.ts";
import { ingressBlocks } from "../support/ingress-nginx.ts";
import { type Nginx, type NginxConfiguration, startNginx } from "../support/nginx.ts";
import type { RunningNode } from "../support/processes.ts";
import { range } from "../support/range.ts";
import { it, type Stage } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

const READ_TIMEOUT = "nginx.ingress.kubernetes.io/proxy-read-timeout";
/** ingress-nginx's own default. */
const WORKER_SHUTDOWN_SECONDS = 240;
const VISITORS = 20;
/** So short that logs soon reach far enough back for clients that resume. */
const LAG_SECONDS = 0.1;

interface IngressOptions {
  /** In place of those of the manifests. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly workerShutdownSeconds?: number;
}

/** nginx as the Ingress of the manifests before these nodes. */
function configuration(
  nodes: readonly RunningNode[],
  { annotations, workerShutdownSeconds = WORKER_SHUTDOWN_SECONDS }: IngressOptions = {},
): NginxConfiguration {
  const ingress = ingressWith(annotations);
  const backends = nodes.map(({ wsUrl }) => new URL(wsUrl).host);
  return { http: (port) => ingressBlocks(ingress, backends, port), workerShutdownSeconds };
}

function ingressWith(annotations: IngressOptions["annotations"]) {
  const config = resolveConfig("prod", { ingress: { hosts: [], tlsSecret: null } });
  const own = { ...config.ingress.annotations, ...annotations };
  const manifests = manifestsOf({ ...config, ingress: { ...config.ingress, annotations: own } });
  const [ingress] = ofKind(manifests, "Ingress");
  if (ingress === undefined) throw new Error("the manifests have no Ingress");
  return ingress;
}

function urlOf({ port }: Nginx): string {
  return `ws://127.0.0.1:${port}/ws`;
}

async function nginxBefore(
  stage: Stage,
  nodes: readonly RunningNode[],
  options?: IngressOptions,
): Promise<Nginx> {
  await Promise.all(nodes.map((node) => node.warm()));
  const nginx = await startNginx(configuration(nodes, options));
  stage.atEnd(() => nginx.close());
  return nginx;
}

/** A WebSocket that sends nothing, so that nothing but pings goes over it. */
class IdleSocket {
  pings = 0;
  messages = 0;
  closeCode: number | undefined;

  constructor(stage: Stage, nginx: Nginx) {
    const socket = new WebSocket(`${urlOf(nginx)}?user_id=idle`);
    stage.atEnd(() => socket.terminate());
    socket.on("ping", () => {
      this.pings += 1;
    });
    socket.on("message", () => {
      this.messages += 1;
    });
    socket.on("close", (code) => {
      this.closeCode = code;
    });
  }
}

/** A client in a room, and what it was told. */
class Visitor {
  readonly texts: string[] = [];
  readonly gaps: string[] = [];
  readonly states: ClientState[] = [];
  readonly #client: Client;

  constructor(stage: Stage, nginx: Nginx, userId: string) {
    this.#client = connect({
      url: urlOf(nginx),
      userId,
      WebSocket,
      minDelayMs: 50,
      maxDelayMs: 200,
      onGap: ({ room = "self", reason }) => this.gaps.push(`${room}: ${reason}`),
    });
    stage.atEnd(() => this.#client.close());
    this.#client.on("state", (state) => this.states.push(state));
    const room = this.#client.room("room");
    room.on("message", ({ content }) => this.texts.push(String(content)));
  }

  /** Undefined while it is on none. */
  get nodeId(): string | undefined {
    const { state } = this.#client;
    return state.state === "open" ? state.nodeId : undefined;
  }

  /** The codes with which its connections ended, while it had no other. */
  get closes(): number[] {
    return this.states.flatMap((state) => (state.state === "closed" ? state.code : []));
  }
}

async function visitors(stage: Stage, nginx: Nginx): Promise<Visitor[]> {
  const all = range(0, VISITORS).map((n) => new Visitor(stage, nginx, `visitor-${n}`));
  await until("all are open", () => all.every(({ nodeId }) => nodeId !== undefined));
  return all;
}

/** Each has got every push once, in order, and was told of no gap. */
async function expectAll(all: readonly Visitor[], pushed: readonly string[]): Promise<void> {
  await until("all pushes arrive", () => all.every(({ texts }) => texts.length >= pushed.length));
  for (const { texts, gaps } of all) {
    expect(texts).toEqual(pushed);
    expect(gaps).toEqual([]);
  }
}

describe.concurrent("nginx, configured as the Ingress of the manifests says", {
  timeout: 60_000,
}, () => {
  it("waits longer than two heartbeats before it takes a connection for idle", () => {
    const { metadata } = ingressWith({});
    expect(Number(metadata?.annotations?.[READ_TIMEOUT]) * 1_000).toBeGreaterThan(
      2 * nodeSettings.HEARTBEAT_MS.default,
    );
  });

  it("keeps an idle connection for the sake of its pings, and cuts one without", async ({
    stage,
  }) => {
    const readTimeoutSeconds = 3;
    // So long that nobody misses two where the test has little processor time.
    const heartbeatMs = 1_000;
    const [pinging, silent] = await Promise.all(
      [heartbeatMs, 600_000].map((ms) => stage.node({ REGISTRY: "memory", HEARTBEAT_MS: ms })),
    );
    if (pinging === undefined || silent === undefined) throw new Error("two nodes are needed");
    const options = { annotations: { [READ_TIMEOUT]: String(readTimeoutSeconds) } };
    const kept = new IdleSocket(stage, await nginxBefore(stage, [pinging], options));
    const cut = new IdleSocket(stage, await nginxBefore(stage, [silent], options));

    await until("the silent one is cut", () => cut.closeCode !== undefined);
    const pingsInTwoTimeouts = (2 * readTimeoutSeconds * 1_000) / heartbeatMs;
    await until("pings", () => kept.pings > pingsInTwoTimeouts);

    // Its one message is the welcome.
    expect(cut).toMatchObject({ closeCode: 1006, pings: 0, messages: 1 });
    expect(kept).toMatchObject({ closeCode: undefined, messages: 1 });
  });

  it("loses and repeats nothing for clients that it cuts off after a reload", async ({ stage }) => {
    const { nodes, publisher } = await stage.cluster(2, { node: { LAG_SECONDS } });
    const options = { workerShutdownSeconds: 1 };
    const nginx = await nginxBefore(stage, nodes, options);
    const all = await visitors(stage, nginx);
    expect(new Set(all.map(({ nodeId }) => nodeId)).size).toBe(2);
    const pushing = new SteadyPushes(publisher, "room", 5);
    await until("pushes arrive", () => all.every(({ texts }) => texts.length > 0));

    await nginx.reload(configuration(nodes, options));
    await until("all were cut off and are back", () =>
      all.every(({ closes, nodeId }) => closes.length > 0 && nodeId !== undefined),
    );
    const pushed = await pushing.stop();

    await expectAll(all, pushed);
    for (const { closes } of all) expect(closes).toEqual([1006]);
  });

  it.for([
    [429, "TOO_MANY_HANDSHAKES", { HANDSHAKE_RATE: 1, HANDSHAKE_BURST: 1 }],
    [503, "NODE_FULL", { MAX_SESSIONS: 1 }],
  ] as const)(
    "lets a refusal through with its Retry-After: %s %s",
    async ([status, code, settings], { stage }) => {
      const node = await stage.node({ REGISTRY: "memory", ...settings });
      const { port } = await nginxBefore(stage, [node]);

      const answers = await Promise.all(range(0, 10).map(() => handshake(port)));
      stage.atEnd(() => {
        for (const { socket } of answers) socket.destroy();
      });

      expect(answers.filter((answer) => answer.status === 101)).not.toEqual([]);
      const refused = answers.filter((answer) => answer.status !== 101);
      expect(refused).not.toEqual([]);
      for (const answer of refused) {
        expect(answer.status).toBe(status);
        expect(JSON.parse(answer.body)).toMatchObject({ error: { code } });
        expect(Number(answer.headers["retry-after"])).toBeGreaterThanOrEqual(1);
      }
    },
  );

  it("leads the clients of a node that drains to another one, and loses and repeats nothing", async ({
    stage,
  }) => {
    const { nodes, publisher } = await stage.cluster(2, {
      node: { LAG_SECONDS, DRAIN_ACCEPT_SECONDS: 0.5, DRAIN_SECONDS: 3 },
    });
    const [leaving, staying] = nodes;
    if (leaving === undefined || staying === undefined) throw new Error("two nodes are needed");
    const nginx = await nginxBefore(stage, nodes);
    const all = await visitors(stage, nginx);
    const ofLeaving = all.filter(({ nodeId }) => nodeId === leaving.nodeId);
    expect(ofLeaving.length).toBeGreaterThan(0);
    const pushing = new SteadyPushes(publisher, "room", 5);

    const exit = leaving.process.stop();
    // What a controller does when a pod is no longer ready. ingress-nginx needs no reload for it.
    await until("it is not ready", async () => !(await fetch(`${leaving.opsUrl}/readyz`)).ok);
    await nginx.reload(configuration([staying]));
    expect(await exit).toBe(0);
    const pushed = await pushing.stop();

    await until("all are on the other node", () =>
      all.every(({ nodeId }) => nodeId === staying.nodeId),
    );
    await expectAll(all, pushed);
    // At worst the node itself closed those that were late.
    for (const { closes } of all) expect(closes.filter((code) => code !== 1012)).toEqual([]);
  });
});
