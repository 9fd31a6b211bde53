import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { BizServer } from "../../examples/captions/src/biz-server.ts";
import { systemClock } from "../../examples/captions/src/clock.ts";
import { ManagerClient } from "../../examples/captions/src/manager-client.ts";
import { loadTalk, roomOf } from "../../examples/captions/src/talk.ts";
import { CaptionsProcess } from "../support/captions-process.ts";
import { fence } from "../support/fence.ts";
import { it as onStage } from "../support/stage.ts";
import { until } from "../support/until.ts";
import { TestClient, textOf } from "../support/ws-client.ts";

const TALK = fileURLToPath(new URL("../../examples/captions/talks/lighthouse", import.meta.url));
const ENDS_WITHIN_MS = 20_000;

interface Content {
  readonly kind: string;
  readonly id: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly lang: string;
}

/** A reader of a language, who does what the page does. */
async function startReader(example: CaptionsProcess, nodeIndex: number, lang: string) {
  const { userId, nodes, tracks } = await example.session();
  const client = await TestClient.open(nodes[nodeIndex]?.url ?? "", { userId });
  onTestFinished(() => client.terminate());
  await client.join(tracks.find((track) => track.lang === lang)?.room ?? "");
  return client;
}

async function tellLanguage(example: CaptionsProcess, client: TestClient, lang: string) {
  const url = new URL(`readers/${client.userId}/languages/${lang}`, await example.pageUrl());
  expect((await fetch(url, { method: "POST" })).status).toBe(204);
}

function contents(client: TestClient, kind: string): Content[] {
  const all = client.messages.map((message) => JSON.parse(textOf(message)) as Content);
  return all.filter((content) => content.kind === kind);
}

async function captionsOf(lang: string): Promise<Content[]> {
  const { tracks } = await loadTalk(TALK);
  const { cues = [] } = tracks.find((track) => track.lang === lang) ?? {};
  return cues.map(({ id, startMs, endMs, text }) => {
    return { kind: "caption", id, start: startMs / 1000, end: endMs / 1000, text, lang };
  });
}

function untilEnding(client: TestClient): Promise<void> {
  const hasEnding = () => contents(client, "ending").length > 0;
  return client.until("the ending", hasEnding, ENDS_WITHIN_MS);
}

describe("the captions example", () => {
  it("gives each reader every cue of their language once, in order, and stops by itself", async () => {
    const example = await CaptionsProcess.start(["--speed", "60", "--readers", "3"]);
    const german = await startReader(example, 0, "de");
    await tellLanguage(example, german, "de");
    await tellLanguage(example, german, "de");
    const otherGerman = await startReader(example, 1, "de");
    const english = await startReader(example, 1, "en");
    await tellLanguage(example, english, "en");
    const clients = [german, otherGerman, english];
    await Promise.all(clients.map(untilEnding));
    expect(await example.ended).toBe(0);

    expect(contents(german, "caption")).toEqual(await captionsOf("de"));
    expect(contents(otherGerman, "caption")).toEqual(await captionsOf("de"));
    expect(contents(english, "caption")).toEqual(await captionsOf("en"));
    expect(clients.map((client) => contents(client, "notice").length)).toEqual([1, 0, 0]);
    expect(clients.map((client) => contents(client, "ending").length)).toEqual([1, 1, 1]);
    expect(clients.flatMap(({ faults }) => faults)).toEqual([]);
    expect(example.stdout).toMatch(/ de {2}.* {2}reached 2 sessions on 2 of 2 nodes$/m);
    expect(example.stdout).toMatch(/ en {2}.* {2}reached 1 session on 1 of 2 nodes$/m);
    expect(example.stdout).toMatch(/^Stopped\. 103 pushes, 0 retries, 0 given up\.$/m);
    expect(example.stderr).toBe("");
    expect(example.pids.size).toBe(4);
    expect(await example.leftovers()).toEqual([]);
  });

  it("stops everything at Ctrl-C, in the middle of the talk", async () => {
    const example = await CaptionsProcess.start(["--speed", "1", "--readers", "1", "--loop"]);
    const client = await startReader(example, 0, "en");
    await client.count(1, ENDS_WITHIN_MS);
    example.interrupt();
    expect(await example.ended).toBe(0);
    expect((await client.closed).code).toBe(1012);
    expect(await example.leftovers()).toEqual([]);
  });

  it("begins the talk again with --loop", async () => {
    const example = await CaptionsProcess.start(["--speed", "1000", "--readers", "1", "--loop"]);
    const client = await startReader(example, 0, "en");
    const twice = () => contents(client, "ending").length >= 2;
    await client.until("the second ending", twice, ENDS_WITHIN_MS);
    const talk = await captionsOf("en");
    expect(contents(client, "caption").slice(0, 2 * talk.length)).toEqual([...talk, ...talk]);
    example.interrupt();
    expect(await example.ended).toBe(0);
  });

  it("says what to install where etcd is missing, and leaves nothing running", async () => {
    const example = await CaptionsProcess.start([], { PATH: "/nonexistent" });
    expect(await example.ended).toBe(1);
    expect(example.stderr).toMatch(/^etcd is not installed: .*apt-get install etcd-server/);
    expect(await example.leftovers()).toEqual([]);
  });

  it("starts nothing where the port of its page is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const example = await CaptionsProcess.start(["--port", String(port)]);
    expect(await example.ended).toBe(1);
    expect(example.stderr).toBe(`port ${port} is taken: choose one with --port\n`);
    expect(example.stdout).toBe("");
    expect(await example.leftovers()).toEqual([]);
  });

  it("refuses a talk and options that it does not know", async () => {
    const noTalk = await CaptionsProcess.start(["--talk", "/nowhere/talk"]);
    expect(await noTalk.ended).toBe(1);
    expect(noTalk.stderr).toBe("no captions like /nowhere/talk.en.vtt are there\n");
    const noOption = await CaptionsProcess.start(["--quick"]);
    expect(await noOption.ended).toBe(2);
    expect(noOption.stderr).toContain("--quick");
    expect(noOption.stderr).toContain("Usage:");
  });
});

describe("the biz-server", () => {
  onStage(
    "repeats pushes whose answer was lost, and readers get each cue once",
    async ({ stage }) => {
      const { manager, nodes, publisher } = await stage.cluster(2);
      const proxy = await stage.proxy(Number(manager.grpcAddress.split(":")[1]));
      const clients = [];
      for (const node of nodes) {
        const client = await stage.client(node, { userId: `reader on ${node.nodeId}` });
        await client.join(roomOf("lighthouse", "en"));
        clients.push(client);
      }
      const abort = new AbortController();
      const client = new ManagerClient(`127.0.0.1:${proxy.port}`, 400);
      const talk = await loadTalk(TALK);
      const lines: string[] = [];
      const print = (line: string) => lines.push(line);
      const bizServer = new BizServer({
        ...{ talk, manager: client, speed: 60, clock: systemClock, signal: abort.signal, print },
      });
      const given = bizServer.giveTalk();

      await clients[0]?.count(10);
      proxy.pause("to-client");
      await until("a retry without answers", () => bizServer.summary.retries > 0);
      proxy.unpause();
      await clients[0]?.count(25);
      const retries = bizServer.summary.retries;
      await proxy.suspend();
      await until("a retry without a manager", () => bizServer.summary.retries > retries);
      await proxy.resume();
      await given;
      client.close();

      await fence(publisher, clients);
      const expected = await captionsOf("en");
      for (const each of clients) {
        const texts = each.texts.filter((text) => !text.startsWith("fence"));
        const parsed = texts.map((text) => JSON.parse(text) as Content);
        expect(parsed.filter(({ kind }) => kind === "caption")).toEqual(expected);
        expect(parsed.filter(({ kind }) => kind === "ending")).toHaveLength(1);
      }
      expect(bizServer.summary.failed).toBe(0);
      expect(lines.filter((line) => line.includes("attempt 1: ")).length).toBeGreaterThanOrEqual(2);
    },
  );
});
