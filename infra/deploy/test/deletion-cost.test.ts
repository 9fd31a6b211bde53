import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeletionCostController } from "../src/deletion-cost/controller.ts";
import { KubeApi } from "../src/kube-api.ts";
import { readKubeconfig } from "../src/kubeconfig.ts";
import { DELETION_COST, FakeNode } from "./fake-node.ts";
import { refusalBody } from "./kube-server.ts";
import { Stage } from "./stage.ts";
import { WatchedClock } from "./watched-clock.ts";

const PODS = "/api/v1/namespaces/pushcast/pods";
const LEASE = "/apis/coordination.k8s.io/v1/namespaces/pushcast/leases/pushcast-deletion-cost";

let stage: Stage;
let nodes: FakeNode[];

beforeEach(async () => {
  stage = await Stage.open();
  nodes = [];
});

afterEach(async () => {
  for (const node of nodes) await node.close();
  await stage.close();
});

async function startNode(name: string, sessions: number): Promise<FakeNode> {
  const node = await FakeNode.start(name, sessions);
  nodes.push(node);
  return node;
}

function costs(): Record<string, string | undefined> {
  const pods = [...stage.server.objects.values()].filter(({ kind }) => kind === "Pod");
  return Object.fromEntries(
    pods.map(({ metadata }) => {
      const annotations = metadata.annotations as Record<string, string> | undefined;
      return [metadata.name, annotations?.[DELETION_COST]];
    }),
  );
}

describe("the controller of deletion costs", () => {
  const ROUND_MS = 30_000;
  let clock: WatchedClock;
  let over: AbortController;
  let running: Promise<void>;
  let errors: unknown[];
  let writtenAtMs: number[];

  /** Starts it, and waits until its first look is done. */
  async function start(): Promise<void> {
    clock = new WatchedClock();
    over = new AbortController();
    errors = [];
    writtenAtMs = [];
    const controller = new DeletionCostController({
      api: new KubeApi(readKubeconfig({ file: stage.kubeconfig, env: {} })),
      clock,
      namespace: "pushcast",
      roundMs: ROUND_MS,
      onWrite: () => writtenAtMs.push(clock.monotonicMs()),
      onError: (error) => errors.push(error),
    });
    running = controller.run(over.signal);
    await clock.isWaitedForBy(1);
  }

  /** Lets time pass until the next time that it waits for; gives how long that was. */
  async function next(): Promise<void> {
    clock.advance(clock.msToNextTimer ?? 0);
    await clock.isWaitedForBy(1);
  }

  afterEach(async () => {
    over.abort();
    await running;
  });

  test("writes what each pod's sessions come to", async () => {
    (await startNode("full", 20_000)).put(stage.server);
    (await startNode("half", 10_000)).put(stage.server, { cost: "3" });
    (await startNode("new", 0)).put(stage.server);

    await start();
    await next();
    await next();

    expect(costs()).toEqual({ full: "14", half: "13", new: undefined });
    expect(errors).toEqual([]);
  });

  test("writes at most once a second, those first that are farthest off", async () => {
    (await startNode("a", 1_000)).put(stage.server);
    (await startNode("b", 30_000)).put(stage.server);
    (await startNode("c", 30)).put(stage.server);

    await start();
    for (let write = 0; write < 3; write++) await next();

    expect(writtenAtMs).toEqual([1_000, 2_000, 3_000]);
    expect(stage.server.pathsOf("PATCH")).toEqual([`${PODS}/b`, `${PODS}/a`, `${PODS}/c`]);
  });

  test("writes nothing for clients who come and go", async () => {
    const node = await startNode("a", 1_500);
    node.put(stage.server, { cost: "10" });

    await start();
    for (const sessions of [900, 2_300, 1_000, 2_100]) {
      node.sessions = sessions;
      await next();
    }

    expect(stage.server.pathsOf("PATCH")).toEqual([]);
  });

  test("looks again after a while, and follows", async () => {
    const node = await startNode("a", 10_000);
    node.put(stage.server);

    await start();
    await next();
    node.sessions = 100;
    expect(clock.msToNextTimer).toBe(ROUND_MS);
    await next();
    await next();

    expect(costs()).toEqual({ a: "6" });
  });

  test("leaves pods alone that say nothing, are not ready or end", async () => {
    const mute = await startNode("mute", 10_000);
    mute.put(stage.server, { cost: "4" });
    await mute.close();
    nodes = [];
    const ending = await startNode("ending", 10_000);
    ending.put(stage.server, { deletionTimestamp: "2025-01-01T00:00:00Z" });
    const starting = await startNode("starting", 10_000);
    starting.put(stage.server);
    const pod = stage.server.objects.get(`${PODS}/starting`);
    if (pod) stage.server.keep({ ...pod, status: { podIP: "127.0.0.1" } });

    await start();
    await next();

    expect(costs()).toEqual({ mute: "4", ending: undefined, starting: undefined });
    expect(errors).toHaveLength(2);
  });

  test("goes on after a pod that has gone, and after an API server that was away", async () => {
    (await startNode("gone", 10_000)).put(stage.server);
    (await startNode("there", 100)).put(stage.server);
    stage.server.answer("PATCH", `${PODS}/gone`, 404, refusalBody(404, "NotFound", "gone"));

    stage.server.hangsUp = true;
    await start();
    stage.server.hangsUp = false;
    await next();
    await next();
    await next();

    expect(costs()).toEqual({ gone: undefined, there: "6" });
    expect(errors).toHaveLength(2);
  });

  test("writes nothing more when it is not the leader any more", async () => {
    (await startNode("a", 10_000)).put(stage.server);

    await start();
    over.abort();
    await running;

    expect(stage.server.pathsOf("PATCH")).toEqual([]);
  });
});

describe("the controller as a process", () => {
  const MAIN = fileURLToPath(new URL("../src/deletion-cost/main.ts", import.meta.url));
  let children: ChildProcess[];

  beforeEach(() => {
    children = [];
  });

  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
  });

  function start(env: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", MAIN], {
      env: { ...process.env, KUBECONFIG: stage.kubeconfig, OPS_PORT: "0", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    return child;
  }

  async function nextLine(stream: NodeJS.ReadableStream | null): Promise<unknown> {
    if (stream === null) throw new Error("no such stream");
    const [line] = await once(createInterface(stream), "line");
    return JSON.parse(line);
  }

  test("is elected, writes, and gives the lease back when it is stopped", async () => {
    (await startNode("a", 10_000)).put(stage.server);
    const written = new Promise<void>((resolve) => {
      stage.server.onRequest = ({ method }) => method === "PATCH" && resolve();
    });

    const child = start({ POD_NAME: "deletion-cost-1" });
    const ready = await nextLine(child.stdout);
    expect(ready).toMatchObject({
      msg: "ready",
      service: "deletion-cost",
      node_id: "deletion-cost-1",
    });
    await written;
    expect(stage.server.objects.get(LEASE)?.spec).toMatchObject({
      holderIdentity: "deletion-cost-1",
    });
    const { ports } = ready as { ports: { ops: number } };
    const metrics = await fetch(`http://127.0.0.1:${ports.ops}/metrics`);
    expect(await metrics.text()).toContain("deletion_cost_leader 1");

    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(costs()).toEqual({ a: "13" });
    expect(stage.server.objects.get(LEASE)?.spec).toMatchObject({ holderIdentity: "" });
  });

  test("says all that is wrong with its settings", async () => {
    const child = start({ ROUND_SECONDS: "0", LOG_LEVEL: "loud" });

    const [line, [code]] = await Promise.all([nextLine(child.stderr), once(child, "exit")]);

    expect(code).toBe(78);
    expect(line).toMatchObject({
      msg: "invalid settings",
      errors: [{ setting: "ROUND_SECONDS" }, { setting: "LOG_LEVEL" }],
    });
  });
});
