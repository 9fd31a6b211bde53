import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../repository/files.ts";
import { launchBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { blockOf, withReplaced } from "./pages.ts";
import { runShell, Shell } from "./shell.ts";

const PAGE = "README.md";

/** What `npm start` has started, for all tests of the page. */
let system: Shell;
/** host:port */
let node: string;
let manager: string;

beforeAll(async () => {
  // The installation is the one that the tests run in.
  const [install, start = ""] = blockOf(PAGE, "npm install && npm start").code.trim().split(" && ");
  expect(install).toBe("npm install");
  system = new Shell(`${start} -- --free-ports`);
  await system.shows(/Ctrl-C stops it/);
  [, manager = ""] = await system.shows(/push-manager +(localhost:\d+)/);
  [, node = ""] = await system.shows(/page +http:\/\/(localhost:\d+)\//);
});

afterAll(async () => {
  await system?.interrupt();
  await system?.close();
});

test("the client in a browser's console gets what the biz-server pushes", async () => {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const printed: Record<string, unknown>[] = [];
    page.on("console", async (message) => {
      if (message.type() === "log") printed.push(await message.args()[0]?.jsonValue());
    });
    await page.goto(`http://${node}/`);

    const client = blockOf(PAGE, "const socket = new WebSocket");
    await page.evaluate(withReplaced(client.code, { "localhost:8080": node }));
    await until("it has joined", () => printed.some(({ type }) => type === "joined"));
    const push = blockOf(PAGE, 'import { randomUUID } from "node:crypto";');
    const report = await runTypeScript(withReplaced(push.code, { "localhost:50051": manager }));

    expect(report).toMatch(/sessionsDelivered: [1-9]/);
    await until("the message", () => printed.some(({ type }) => type === "message"));
    expect(printed.at(-1)).toMatchObject({ type: "message", room: "lobby", content: "hello" });
  } finally {
    await browser.close();
  }
});

/** Runs it as a file in this repository; what it prints. */
async function runTypeScript(code: string): Promise<string> {
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".tmp/readme-"));
  try {
    writeFileSync(join(folder, "push.ts"), code);
    return await runShell(`npx tsx ${join(folder, "push.ts")}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
