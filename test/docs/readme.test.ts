import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ROOT } from "../repository/files.ts";
import { codeSpans, linkTargets } from "../repository/markdown.ts";
import { launchBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { blockOf, blocksOf, readPage, withReplaced } from "./pages.ts";
import { runShell, Shell } from "./shell.ts";

const PAGE = "README.md";
const CHINESE = "README.zh-CN.md";
const CLIENT = blockOf(PAGE, "const { connect }");

/** What `npm start` has started, for all tests of the page. */
let system: Shell;
/** host:port */
let node: string;
let manager: string;
let browser: Browser;
/** The start page, where both users are in the room. */
let startPage: Page;

beforeAll(async () => {
  // The installation is the one that the tests run in.
  const [install, start = ""] = blockOf(PAGE, "npm install && npm start").code.trim().split(" && ");
  expect(install).toBe("npm install");
  [system, browser] = await Promise.all([
    Promise.resolve(new Shell(`${start} -- --free-ports`)),
    launchBrowser(),
  ]);
  await system.shows(/^Building/m);
  await system.shows(/Ctrl-C stops it/);
  [, manager = ""] = await system.shows(/push-manager +(localhost:\d+)/);
  [, node = ""] = await system.shows(/page +http:\/\/(localhost:\d+)\//);
  startPage = await browser.newPage();
  await startPage.goto(`http://${node}/`);
});

afterAll(async () => {
  await browser?.close();
  await system?.interrupt();
  await system?.close();
});

test("what is pushed by curl reaches both users on the page, and is reported as the page says", async () => {
  const curl = withReplaced(blockOf(PAGE, "curl").code, { "localhost:8080": node });
  const reported = codeSpans(readPage(PAGE)).filter((span) => /^"(nodes|sessions)_/.test(span));
  expect(reported).toHaveLength(2);

  // Until the page's users have joined there is nobody to push to.
  await until("both users get it", async () => {
    const answer = await runShell(curl);
    return reported.every((field) => answer.includes(field));
  });
});

test("what is pushed by the command line reaches both users", async () => {
  const env = { PUSHCAST_MANAGER: manager };
  const answer = await runShell(blockOf(PAGE, "npx pushcast push").code, { env });
  expect(answer).toMatch(/\b2 nodes\b|\b2 of 2\b/);
});

test("the client in a browser's console gets what the biz-server pushes", async () => {
  const printed: string[] = [];
  startPage.on("console", (message) => printed.push(message.text()));

  const code = withReplaced(CLIENT.code, { "localhost:8080": node });
  await startPage.evaluate(`(async () => { ${code}; window.client = client; })()`);
  await until("it has joined", () =>
    startPage.evaluate<boolean>('client.room("lobby").state.state === "joined"'),
  );
  const push = blockOf(PAGE, "import { createPushClient }");
  const report = await runTypeScript(withReplaced(push.code, { "localhost:50051": manager }));

  expect(report).toMatch(/sessionsDelivered: [1-9]/);
  await until("the message", () => printed.includes("Hello"));
});

test("the client in Node, imported as the page says, gets what is pushed", async () => {
  const [first = ""] = CLIENT.code.split("\n");
  const imported = codeSpans(readPage(PAGE)).find((span) => span.startsWith("import {")) ?? "";
  const code = withReplaced(CLIENT.code, { [first]: imported, "localhost:8080": node });
  const app = startTypeScript(code);
  onTestFinished(() => app.close());

  const curl = withReplaced(blockOf(PAGE, "curl").code, { "localhost:8080": node });
  await until("the message", async () => {
    await runShell(curl);
    return /^Hello$/m.test(app.output);
  });
});

test("README.zh-CN.md has the same blocks, sections, tables, pictures and links", () => {
  const codes = (page: string) => blocksOf(page).map(({ language, code }) => ({ language, code }));
  expect(codes(CHINESE)).toEqual(codes(PAGE));
  expect(shapeOf(CHINESE)).toEqual(shapeOf(PAGE));
  const links = (page: string) => linkTargets(readPage(page)).filter((link) => !isReadme(link));
  expect(links(CHINESE).map(withoutAnchor).sort()).toEqual(links(PAGE).map(withoutAnchor).sort());
});

/** What each section is made of. */
function shapeOf(page: string): { rows: number; points: number }[] {
  return readPage(page)
    .split(/^#+ /m)
    .map((section) => ({
      rows: section.match(/^\|/gm)?.length ?? 0,
      points: section.match(/^- /gm)?.length ?? 0,
    }));
}

function isReadme(link: string): boolean {
  return link === PAGE || link === CHINESE;
}

function withoutAnchor(link: string): string {
  return link.split("#")[0] ?? link;
}

/** Runs it as a file in this repository to its end; what it prints. */
async function runTypeScript(code: string): Promise<string> {
  const program = startTypeScript(code);
  onTestFinished(() => program.close());
  return program.ended();
}

/** Runs it as a file in this repository, where packages are found from. */
function startTypeScript(code: string): Shell {
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".tmp/readme-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "main.ts"), code);
  // Node 20 has a WebSocket, too, that must be asked for.
  const env = { NODE_OPTIONS: "--experimental-websocket" };
  return new Shell(`npx tsx ${join(folder, "main.ts")}`, { env });
}
