import { createDevSystem, FREE_PORTS } from "@pushcast/cli";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { type DevProcess, startDevProcess } from "./dev-process.ts";

let browser: Browser;
let page: Page;
/** What went wrong on the page without being shown. */
let faults: string[];

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(() => browser.close());

beforeEach(async () => {
  page = await browser.newPage();
  faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    // Chromium says of each answer that is an error that it is one.
    const expected = /^Failed to load resource|^WebSocket connection/.test(message.text());
    if (message.type() === "error" && !expected) faults.push(message.text());
  });
});

afterEach(async () => {
  await page.close();
  expect(faults).toEqual([]);
});

const panel = (node: string): Locator => page.getByRole("region", { name: node });
const arrivals = (node: string): Locator => panel(node).getByRole("log").getByRole("listitem");
const report = (): Locator => page.locator("#report");

async function openPage(url: string): Promise<void> {
  await page.goto(url);
  for (const node of ["node-1", "node-2"]) {
    await panel(node).getByText("connected", { exact: true }).waitFor();
    await panel(node).getByText("In lobby", { exact: true }).waitFor();
  }
}

async function push(target: "Room" | "User" | "Everyone", name: string, text: string) {
  const form = page.getByRole("region", { name: "Push" });
  await form.getByRole("radio", { name: target }).check();
  if (target !== "Everyone") await form.getByRole("textbox", { name: target }).fill(name);
  await form.getByRole("textbox", { name: "Text" }).fill(text);
  await form.getByRole("button", { name: "Push" }).click();
}

const reported = (words: string) => report().getByText(words).waitFor();
const arrived = (node: string, text: string) => arrivals(node).filter({ hasText: text }).waitFor();

/** The newest first. */
const contents = (node: string) => arrivals(node).locator(".content").allTextContents();

describe("the start page", () => {
  let dev: DevProcess;

  beforeAll(async () => {
    dev = await startDevProcess();
  });

  afterAll(() => dev.kill());

  beforeEach(() => openPage(dev.pageUrl));

  test("shows a push to a room on both nodes, and what became of it", async () => {
    await push("Room", "lobby", "Hello, lobby");
    await reported("2 nodes, 2 acknowledged, 2 matched, 2 sessions");
    await arrived("node-1", "Hello, lobby");
    await arrived("node-2", "Hello, lobby");
    const id = await report().locator("code").textContent();
    expect(id).toMatch(/^[0-9a-f]{16}-\d+$/);
    for (const node of ["node-1", "node-2"]) {
      const arrival = arrivals(node).first();
      expect(await arrival.locator(".target").textContent()).toBe("room lobby");
      expect(await arrival.locator("time").textContent()).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
      expect(await arrival.locator(".latency").textContent()).toMatch(/^(< 1|\d+) ms$/);
      expect(await arrival.locator(".id").textContent()).toBe(id);
    }
  });

  test("shows a push to a user on that user's node only", async () => {
    await push("User", "ann", "For Ann");
    await reported("2 nodes, 2 acknowledged, 1 matched, 1 session");
    await arrived("node-1", "For Ann");
    await push("User", "bob", "For Bob");
    await arrived("node-2", "For Bob");
    expect(await contents("node-1")).toEqual(["For Ann"]);
    expect(await contents("node-2")).toEqual(["For Bob"]);
    expect(await arrivals("node-2").locator(".target").textContent()).toBe("user bob");
  });

  test("shows a push to everyone on both nodes, whatever rooms they are in", async () => {
    await panel("node-2").getByRole("textbox", { name: "Room" }).fill("kitchen");
    await panel("node-2").getByRole("button", { name: "Join" }).click();
    await panel("node-2").getByText("In kitchen", { exact: true }).waitFor();
    await push("Everyone", "", "To all");
    await reported("2 nodes, 2 acknowledged, 2 matched, 2 sessions");
    await arrived("node-1", "To all");
    await arrived("node-2", "To all");
    expect(await arrivals("node-2").locator(".target").textContent()).toBe("everyone");
  });

  test("a node whose session has changed rooms gets the new room's pushes, not the old one's", async () => {
    await panel("node-1").getByRole("textbox", { name: "Room" }).fill("kitchen");
    await panel("node-1").getByRole("textbox", { name: "Room" }).press("Enter");
    await panel("node-1").getByText("In kitchen", { exact: true }).waitFor();
    await push("Room", "lobby", "Old room");
    await reported("2 nodes, 2 acknowledged, 1 matched, 1 session");
    await push("Room", "kitchen", "New room");
    await arrived("node-1", "New room");
    expect(await contents("node-1")).toEqual(["New room"]);
    expect(await contents("node-2")).toEqual(["Old room"]);
  });

  test("says that a room is bad, by the error's name, where it was pushed to and where joined", async () => {
    await push("Room", "", "Nobody gets this");
    await reported("ROOM_INVALID room_id must not be empty");
    await panel("node-1").getByRole("textbox", { name: "Room" }).fill("x".repeat(257));
    await panel("node-1").getByRole("button", { name: "Join" }).click();
    const said = "ROOM_INVALID room must be at most 256 bytes of UTF-8. In lobby";
    await panel("node-1").getByText(said).waitFor();
    await push("Room", "lobby", "Still in lobby");
    await arrived("node-1", "Still in lobby");
    expect(await contents("node-2")).toEqual(["Still in lobby"]);
  });

  test("shows content as text, whatever is in it", async () => {
    const text = `<img src="x" onerror="alert(1)"> 'quoted' 🎉`;
    await push("Room", "lobby", text);
    await arrived("node-1", "quoted");
    expect(await contents("node-1")).toEqual([text]);
  });

  test("can be used with the keyboard alone", async () => {
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type("From the keyboard");
    await page.keyboard.press("Enter");
    await arrived("node-1", "From the keyboard");
    expect(await contents("node-2")).toEqual([]);
  });

  test.each([
    [1280, 800],
    [390, 844],
    [320, 568],
  ])("fits a window of %i × %i without scrolling sideways", async (width, height) => {
    await page.setViewportSize({ width, height });
    await push("Room", "lobby", "W".repeat(200));
    await arrived("node-1", "WWW");
    const root = page.locator("html");
    expect(await root.evaluate((html) => html.scrollWidth - html.clientWidth)).toBe(0);
  });

  test("shows what its shell line pushes", async () => {
    const line = (await page.locator("#shell-line").textContent()) ?? "";
    const [, text = "", url = ""] = /^curl -d '(.*)' '(.*)'$/.exec(line) ?? [];
    const response = await fetch(url, { method: "POST", body: `${text} from a shell` });
    expect(response.status).toBe(200);
    await arrived("node-1", "Hello from a shell");
    await arrived("node-2", "Hello from a shell");
  });
});

test("the page of a system that is started again connects by itself and joins its room", async () => {
  const first = createDevSystem({ env: { LOG_LEVEL: "silent" }, ports: FREE_PORTS });
  const { pageUrl, ports } = await first.start();
  await openPage(pageUrl);
  await first.stop();
  for (const node of ["node-1", "node-2"]) {
    await panel(node).getByText("reconnecting", { exact: true }).waitFor();
  }
  await push("Room", "lobby", "Into the void");
  await reported("NO_ANSWER");

  const second = createDevSystem({ env: { LOG_LEVEL: "silent" }, ports });
  await second.start();
  try {
    for (const node of ["node-1", "node-2"]) {
      await panel(node).getByText("In lobby", { exact: true }).waitFor();
    }
    await push("Room", "lobby", "Here again");
    await arrived("node-1", "Here again");
    await arrived("node-2", "Here again");
  } finally {
    await second.stop();
  }
});

test("Ctrl-C stops it in good order, also while a page is open", async () => {
  const dev = await startDevProcess();
  await openPage(dev.pageUrl);
  expect(await dev.interrupt()).toBe(0);
});
