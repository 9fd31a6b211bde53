import { once } from "node:events";
import { request } from "node:http";
import type { TailedPublication } from "@pushcast/push-manager/console";
import { expect } from "vitest";
import { it, type Stage } from "../support/stage.ts";

const CONSOLE = { CONSOLE: "on", OPS_HOST: "127.0.0.1" };
const HEADERS = { "x-pushcast-console": "1" };

/** What `GET /console/tail` says, until the test ends. */
async function tail(stage: Stage, opsUrl: string, room: string) {
  const ended = new AbortController();
  stage.atEnd(() => ended.abort());
  const url = `${opsUrl}/console/tail?room=${room}`;
  const { body } = await fetch(url, { headers: HEADERS, signal: ended.signal });
  if (body === null) throw new Error("no body");
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = "";
  /** Of the next event of that name, what it holds. */
  return async <Data>(name: string): Promise<Data> => {
    for (;;) {
      const end = unread.indexOf("\n\n");
      if (end < 0) {
        const { value, done } = await reader.read();
        if (done) throw new Error("the tail has ended");
        unread += value;
        continue;
      }
      const [, found, data = ""] = /^event: (.*)\ndata: (.*)/.exec(unread) ?? [];
      unread = unread.slice(end + 2);
      if (found === name) return JSON.parse(data) as Data;
    }
  };
}

interface Publications {
  readonly publications: readonly TailedPublication[];
  readonly skipped: number;
}

it("a tail shows what every manager pushes, and goes on with another node", async ({ stage }) => {
  const { nodes, etcd, manager, publisher } = await stage.cluster(2, { manager: CONSOLE });
  await Promise.all(nodes.map((node) => node.warm()));
  const second = await stage.manager({ REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint });
  const other = stage.publisher(second);
  await other.untilLinked(nodes.map(({ nodeId }) => nodeId));
  const next = await tail(stage, manager.opsUrl, "r");
  const { nodeId } = await next<{ nodeId: string }>("node");

  await publisher.pushToRoom({ roomId: "elsewhere", content: "not this" });
  const here = await publisher.pushToRoom({ roomId: "r", content: "of this manager" });
  const [shown] = (await next<Publications>("publications")).publications;
  expect(shown).toMatchObject({ id: here.messageId, shown: "of this manager", kind: "text" });
  await other.pushToRoom({ roomId: "r", content: "of the other", ephemeral: true });
  const [foreign] = (await next<Publications>("publications")).publications;
  expect(foreign).toMatchObject({ shown: "of the other", ephemeral: true });

  const read = nodes.find((node) => node.nodeId === nodeId);
  expect(await read?.metrics().then((metrics) => metrics.value("connect_node_tails"))).toBe(1);
  await read?.process.stop();
  expect((await next<{ nodeId: string }>("node")).nodeId).not.toBe(nodeId);
  await publisher.pushToRoom({ roomId: "r", content: "after the move" });
  const [moved] = (await next<Publications>("publications")).publications;
  expect(moved?.shown).toBe("after the move");
});

it("a tail goes on with another node when its own freezes", async ({ stage }) => {
  const { nodes, manager, publisher } = await stage.cluster(2, { manager: CONSOLE });
  await Promise.all(nodes.map((node) => node.warm()));
  const next = await tail(stage, manager.opsUrl, "r");
  const { nodeId } = await next<{ nodeId: string }>("node");
  nodes.find((node) => node.nodeId === nodeId)?.process.freeze();
  expect((await next<{ nodeId: string }>("node")).nodeId).not.toBe(nodeId);
  await publisher.pushToRoom({ roomId: "r", content: "after the move" });
  expect((await next<Publications>("publications")).publications).toMatchObject([
    { shown: "after the move" },
  ]);
});

it("a tail of a room that floods shows some, and counts the others", async ({ stage }) => {
  const settings = { ...CONSOLE, CONSOLE_TAIL_PER_SECOND: 5 };
  const { nodes, manager, publisher } = await stage.cluster(1, { manager: settings });
  await Promise.all(nodes.map((node) => node.warm()));
  const next = await tail(stage, manager.opsUrl, "r");
  await next("node");
  const content = Buffer.alloc(64 * 1024, "x");
  const pushes = 100;
  await Promise.all(
    Array.from({ length: pushes }, () => publisher.pushToRoom({ roomId: "r", content })),
  );
  let [shown, skipped] = [0, 0];
  while (shown + skipped < pushes) {
    const message = await next<Publications>("publications");
    for (const publication of message.publications) {
      expect(publication).toMatchObject({ contentBytes: content.byteLength, cut: true });
    }
    shown += message.publications.length;
    skipped += message.skipped;
  }
  expect(shown).toBeGreaterThan(0);
  expect(skipped).toBeGreaterThan(0);
  expect(shown + skipped).toBe(pushes);
});

it("a manager stops with consoles open, also with one that does not read", async ({ stage }) => {
  const { manager } = await stage.cluster(1, { manager: CONSOLE });
  const { hostname, port } = new URL(manager.opsUrl);
  const next = await tail(stage, manager.opsUrl, "r");
  await next("node");
  for (const path of ["/console/samples", "/console/tail?room=r"]) {
    const asked = request({ hostname, port, path, headers: HEADERS, agent: false }).end();
    asked.on("error", () => {});
    // Nobody reads it.
    await once(asked, "response");
    stage.atEnd(() => asked.destroy());
  }
  expect(await manager.process.stop()).toBe(0);
  await expect(next("publications")).rejects.toThrow("the tail has ended");
});

it("a console that anybody could reach without a token stops the start", async ({ stage }) => {
  const manager = stage.process("push-manager", {
    REGISTRY: "static",
    NODES: "127.0.0.1:1",
    CONSOLE: "on",
    OPS_HOST: "0.0.0.0",
  });
  const { code, stderr } = await manager.exited;
  expect(code).toBe(78);
  expect(JSON.parse(stderr).errors).toMatchObject([{ setting: "CONSOLE_TOKEN" }]);
});
