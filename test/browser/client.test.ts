import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { bundleClient } from "../../packages/client/bundle/bundle.ts";
import { blockOf, withReplaced } from "../docs/pages.ts";
import { launchBrowser } from "../support/browser.ts";
import type { RunningNode } from "../support/processes.ts";
import { it, type Stage } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

const PUSH_EVERY_MS = 20;
/** A node recovers nobody before its log is older than this. */
const LAG_SECONDS = 0.1;
/** So short that nodes soon find that a browser sleeps. */
const HEARTBEAT_MS = 1_000;
/** Longer than the client takes for awake. */
const SLEEP_MS = 4_200;

/** As strict as pages can be that open WebSockets: no `eval`, and what is inline has a nonce. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'nonce-page'",
  "connect-src ws:",
  "require-trusted-types-for 'script'",
].join("; ");

/** A page as an app without a bundler has it, that notes in `window` what it is told. */
const HTML = `<!doctype html>
<title>app</title>
<script type="module">
  import { connect } from "./pushcast.min.js";

  window.texts = [];
  window.gaps = [];
  window.states = [];
  const client = connect({
    url: () => window.nodeUrl,
    userId: "ann",
    onGap: ({ room, reason }) => window.gaps.push([room, reason]),
  });
  client.on("state", (state) => window.states.push(state));
  window.client = client;
  for await (const { content } of client.room("r")) window.texts.push(content);
</script>`;

/** Serves a page and the single file. @returns the page's URL */
async function servePage(stage: Stage, html: string): Promise<string> {
  const client = await bundleClient();
  const page = html.replace("<script ", '<script nonce="page" ');
  const server = createServer(({ url }, response) => {
    const [type, body] = url?.endsWith(".js") ? ["text/javascript", client] : ["text/html", page];
    response.writeHead(200, { "Content-Type": type, "Content-Security-Policy": POLICY }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  stage.atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${port}/`;
}

const README_PAGE = blockOf("packages/client/README.md", '<script type="module">');

type Told = Readonly<Record<string, unknown>> & { readonly state: string };

/** The page in a Chromium of its own, connected by the single file. */
class App {
  readonly page: Page;
  readonly frames: Readonly<Record<string, unknown>>[] = [];

  static async launch(stage: Stage): Promise<App> {
    const browser = await launchBrowser();
    stage.atEnd(() => browser.close());
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", ({ message }) => errors.push(message));
    stage.atEnd(() => expect(errors).toEqual([]));
    return new App(page);
  }

  private constructor(page: Page) {
    this.page = page;
    page.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => this.frames.push(JSON.parse(String(payload))));
    });
  }

  async open(stage: Stage, nodeUrl: string): Promise<void> {
    await this.goTo(nodeUrl);
    await this.page.goto(await servePage(stage, HTML));
    await this.untilOpen();
  }

  /** Where the page connects from now on, also when it is loaded anew. */
  async goTo(nodeUrl: string): Promise<void> {
    const set = `window.nodeUrl = ${JSON.stringify(nodeUrl)}`;
    await this.page.addInitScript(set);
    await this.page.evaluate(set);
  }

  get texts(): Promise<string[]> {
    return this.page.evaluate("window.texts");
  }

  get gaps(): Promise<unknown[]> {
    return this.page.evaluate("window.gaps");
  }

  get states(): Promise<Told[]> {
    return this.page.evaluate("window.states");
  }

  async untilOpen(node?: RunningNode): Promise<void> {
    await until(`open ${node?.nodeId ?? ""}`, async () => {
      const state: Told | undefined = await this.page.evaluate("window.client?.state");
      return state?.state === "open" && (node === undefined || state.nodeId === node.nodeId);
    });
  }

  /** Stops all processes of the browser, as the lid of a laptop does. */
  async sleep(ms: number): Promise<void> {
    const session = await this.page.context().browser()?.newBrowserCDPSession();
    const { processInfo = [] } = (await session?.send("SystemInfo.getProcessInfo")) ?? {};
    expect(processInfo.map(({ type }) => type)).toContain("renderer");
    for (const { id } of processInfo) process.kill(id, "SIGSTOP");
    await sleep(ms);
    for (const { id } of processInfo) process.kill(id, "SIGCONT");
  }

  /** Ends the pushes, and checks that each came once, in order, from the first that it heard. */
  async expectAll(steady: SteadyPushes): Promise<void> {
    const contents = await steady.stop();
    expect(steady.refused).toEqual([]);
    await until("the last push", async () => (await this.texts).at(-1) === contents.at(-1));
    const texts = await this.texts;
    expect(texts).toEqual(contents.slice(contents.indexOf(texts[0] ?? "")));
    expect(await this.gaps).toEqual([]);
  }
}

async function cluster(stage: Stage, nodeCount: number) {
  const settings = { LAG_SECONDS, HEARTBEAT_MS, DRAIN_SECONDS: 1 };
  const browser = App.launch(stage);
  const { nodes, publisher } = await stage.cluster(nodeCount, { node: settings });
  await Promise.all(nodes.map((node) => node.warm()));
  const [first, second = first] = nodes;
  if (first === undefined || second === undefined) throw new Error("a node is needed");
  return { app: await browser, first, second, publisher };
}

describe.concurrent("the single file in Chromium", { timeout: 60_000 }, () => {
  it("moves to another node without being closed, and begins anew when it is loaded anew", async ({
    stage,
  }) => {
    const { app, first, second, publisher } = await cluster(stage, 2);
    await app.open(stage, first.wsUrl);
    const steady = new SteadyPushes(publisher, "r", PUSH_EVERY_MS);
    await until("a push", async () => (await app.texts).length > 0);
    await app.goTo(second.wsUrl);
    expect(await first.process.stop()).toBe(0);
    await app.untilOpen(second);
    await app.expectAll(steady);
    const names = (await app.states).map(({ state }) => state);
    expect(names).toEqual(["resuming", "open", "open"]);

    await app.page.reload();
    await app.untilOpen(second);
    await publisher.pushToRoom({ roomId: "r", content: "anew" });
    await until("the push", async () => (await app.texts).length > 0);
    expect(await app.texts).toEqual(["anew"]);

    const named = "ws://localhost:8080/ws";
    const readme = withReplaced(README_PAGE.code, { [named]: second.wsUrl });
    await app.page.goto(await servePage(stage, readme));
    await until("it has joined", async () => (await publisher.getRoom("room-001")).sessions === 1);
    await publisher.pushToRoom({ roomId: "room-001", content: "by the README" });
    await app.page.getByText("by the README").waitFor();
  });

  it("goes on where it was when the device is online again, at once", async ({ stage }) => {
    const { app, first, publisher } = await cluster(stage, 1);
    const proxy = await stage.proxy(Number(new URL(first.wsUrl).port));
    await app.open(stage, `ws://127.0.0.1:${proxy.port}/ws`);
    const steady = new SteadyPushes(publisher, "r", PUSH_EVERY_MS);
    await until("a push", async () => (await app.texts).length > 0);
    const context = app.page.context();
    await context.setOffline(true);
    proxy.cut();
    await until("it knows", async () => (await app.states).at(-1)?.state === "closed");
    expect((await app.states).at(-1)).toMatchObject({
      name: "LOST",
      retry: true,
      retryInMs: 30_000,
    });
    const missedFrom = steady.sent;
    await until("more pushes", () => steady.sent > missedFrom + 10);
    await context.setOffline(false);
    await app.untilOpen(first);
    await app.expectAll(steady);
  });

  it("goes on where it was after a sleep that the node did not wait for", async ({ stage }) => {
    const { app, first, publisher } = await cluster(stage, 1);
    await app.open(stage, first.wsUrl);
    const steady = new SteadyPushes(publisher, "r", PUSH_EVERY_MS);
    await until("a push", async () => (await app.texts).length > 0);
    await app.sleep(SLEEP_MS);
    const closed = async () => (await app.states).some(({ state }) => state === "closed");
    await until("it has noticed", closed);
    await app.untilOpen(first);
    await app.expectAll(steady);
    const join = app.frames.findLast(({ type }) => type === "join");
    expect(join?.away_ms).toBeGreaterThan(SLEEP_MS - HEARTBEAT_MS);
  });
});
