/// <reference lib="dom" />
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createDevSystem, FREE_PORTS } from "@pushcast/cli";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { differsFromReference } from "../support/same-picture.ts";
import { playRecording } from "./console-recording.ts";

const SCHEMES = ["light", "dark"] as const;
const WINDOWS = [
  ["desktop", { width: 1280, height: 800 }],
  ["phone", { width: 390, height: 844 }],
] as const;
/** Of a screenshot's squares: what other fonts change, and no layout that is broken. */
const DIFFERING_SHARE = 0.01;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

type Dev = Awaited<ReturnType<typeof startDev>>;

let browser: Browser;
let dev: Dev;
const pages: Page[] = [];
/** What went wrong on a page without being shown; also what its policy forbids. */
const faults: string[] = [];

beforeAll(async () => {
  [browser, dev] = await Promise.all([launchBrowser(), startDev()]);
});

afterAll(() => Promise.all([browser.close(), dev.stop()]));

afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.context().close()));
  expect(faults.splice(0)).toEqual([]);
});

async function startDev(env: Readonly<Record<string, string>> = {}) {
  const system = createDevSystem({ env: { LOG_LEVEL: "silent", ...env }, ports: FREE_PORTS });
  const { consoleUrl = "", ports } = await system.start();
  return { consoleUrl, ports, stop: () => system.stop() };
}

interface Look {
  readonly url?: string;
  readonly scheme?: (typeof SCHEMES)[number];
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly recorded?: boolean;
}

async function open({ url = dev.consoleUrl, scheme = "light", viewport, recorded }: Look = {}) {
  const context = await browser.newContext({
    colorScheme: scheme,
    timezoneId: "UTC",
    viewport: viewport ?? { width: 1280, height: 800 },
  });
  const page = await context.newPage();
  pages.push(page);
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    const expected = /^Failed to load resource/.test(message.text());
    if (message.type() === "error" && !expected) faults.push(message.text());
  });
  if (recorded) await playRecording(page);
  await page.goto(url);
  return page;
}

const isLive = (page: Page) => page.locator("#status").getByText("live", { exact: true }).waitFor();
const nodeRow = (page: Page, name: string) => page.getByRole("row", { name });
const tailed = (page: Page) => page.getByRole("log").getByRole("listitem");

describe("the console of a system that runs", () => {
  test("shows the manager and its nodes, pushes to a room, and shows it in the room's tail", async () => {
    const page = await open();
    await isLive(page);
    expect(await page.locator("#manager").textContent()).toMatch(
      /^push-manager .*epoch [0-9a-f]{16}/,
    );
    for (const node of ["node-1", "node-2"]) {
      await nodeRow(page, node).getByText("ready", { exact: true }).waitFor();
      await nodeRow(page, node).getByText("live", { exact: true }).waitFor();
    }
    await page.getByLabel("Room to follow").fill("lobby & hall");
    await page.getByRole("button", { name: "Follow" }).click();
    await page.getByText(/^following, on node-\d$/).waitFor();

    const form = page.getByRole("region", { name: "Push" });
    await form.getByRole("textbox", { name: "Room" }).fill("lobby & hall");
    await form.getByLabel("Content", { exact: true }).fill('{"said":"<b>hi</b>"}');
    await form.getByLabel("Content type").fill("application/json");
    await form.getByRole("button", { name: "Push" }).click();
    await form.getByText("2 nodes, 2 acknowledged, 0 matched, 0 sessions").waitFor();
    const id = await form.locator("code").textContent();

    await tailed(page).filter({ hasText: "said" }).waitFor();
    expect(await tailed(page).locator("pre").textContent()).toBe('{\n  "said": "<b>hi</b>"\n}');
    expect(await tailed(page).locator("code").textContent()).toBe(id);

    await form.getByLabel("Content", { exact: true }).fill("{");
    await form.getByRole("button", { name: "Push" }).click();
    await form.getByText("CONTENT_INVALID").waitFor();
  });

  test("draws what it pushes", async () => {
    const page = await open();
    await isLive(page);
    const before = await inkOfPlot(page);
    await page.getByLabel("a user").check();
    await page.getByRole("textbox", { name: "User" }).fill("ann");
    for (let push = 1; push <= 3; push += 1) {
      await page.getByRole("button", { name: "Push" }).click();
      await page.getByText("2 nodes, 2 acknowledged").waitFor();
      await page.locator("#report").evaluate((report) => report.replaceChildren());
    }
    await expect.poll(() => inkOfPlot(page), { timeout: 5000 }).toBeGreaterThan(before);
  });

  test("is used with the keyboard alone", async () => {
    const page = await open();
    await isLive(page);
    await page.keyboard.press("r");
    await page.keyboard.type("keys");
    await page.keyboard.press("Enter");
    await page.getByText(/^following, on/).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("p");
    // A letter in a field is a letter.
    await page.keyboard.type("p from the keyboard");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.type("keys");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Control+Enter");
    await page.getByText("2 nodes, 2 acknowledged").waitFor();
    await tailed(page).filter({ hasText: "p from the keyboard" }).waitFor();

    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("d");
    expect(await page.locator("html").getAttribute("data-theme")).toBe("light");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Shortcuts" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("n");
    expect(await focused(page)).toBe("node-scroll");
    await page.keyboard.press("g");
    expect(await focused(page)).toBe("plots");
  });

  test("every control is reached with Tab", async () => {
    const page = await open({ recorded: true });
    await isLive(page);
    const controls = await page.locator("body :is(button, input, textarea):visible").count();
    const reached = new Set<string>();
    for (let step = 0; step < controls + 4; step += 1) {
      await page.keyboard.press("Tab");
      reached.add((await focused(page)) ?? "");
    }
    // Of the radios one.
    expect(reached.size).toBeGreaterThanOrEqual(controls - 2);
  });

  test("asks for the token that it needs, and keeps it out of every URL", async () => {
    const token = "correct-horse-battery";
    const guarded = await startDev({ CONSOLE_TOKEN: token });
    try {
      const page = await open({ url: guarded.consoleUrl });
      const urls: string[] = [];
      page.on("request", (request) => urls.push(request.url()));
      const dialog = page.getByRole("dialog", { name: "The console's token" });
      await dialog.waitFor();
      await dialog.getByLabel("Token").fill("wrong-horse-battery");
      await page.keyboard.press("Enter");
      await dialog.getByText("the token is not that of CONSOLE_TOKEN").waitFor();
      await dialog.getByLabel("Token").fill(token);
      await page.keyboard.press("Enter");
      await isLive(page);
      await nodeRow(page, "node-1").waitFor();
      await page.reload();
      await isLive(page);
      expect(urls.join()).not.toContain("battery");
    } finally {
      await guarded.stop();
    }
  });

  test("shows a node that begins to drain", async () => {
    const own = await startDev();
    try {
      const page = await open({ url: own.consoleUrl });
      await isLive(page);
      const [node] = own.ports.nodes;
      await fetch(`http://localhost:${node?.ops}/drain`, { method: "POST" });
      await nodeRow(page, "node-1").getByText("draining", { exact: true }).waitFor();
    } finally {
      await own.stop();
    }
  });
});

describe.each(SCHEMES)("in %s colours", (scheme) => {
  test.each(WINDOWS)(
    "it looks on a %s as in its reference, and axe finds no serious fault",
    async (name, viewport) => {
      const page = await open({ scheme, viewport, recorded: true });
      await followRecorded(page);
      const root = page.locator("html");
      expect(await root.evaluate((html) => html.scrollWidth - html.clientWidth)).toBe(0);
      const screenshot = await page.screenshot({ fullPage: true });
      const share = await differsFromReference(browser, `console-${name}-${scheme}`, screenshot);
      expect(share, "look at it; UPDATE_REFERENCES=1 makes it the reference").toBeLessThan(
        DIFFERING_SHARE,
      );
      expect(await seriousFaults(page)).toEqual([]);
      if (name === "phone") return;
      await page.getByRole("button", { name: "Shortcuts" }).click();
      expect(await seriousFaults(page)).toEqual([]);
    },
  );
});

test("the comparison with a reference sees what is broken", async () => {
  const page = await open({ recorded: true });
  await followRecorded(page);
  const shareWith = async (css: string) => {
    await page.evaluate((rules) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(rules);
      document.adoptedStyleSheets = [sheet];
    }, css);
    const screenshot = await page.screenshot({ fullPage: true });
    return await differsFromReference(browser, "console-desktop-light", screenshot);
  };
  expect(await shareWith("")).toBeLessThan(DIFFERING_SHARE);
  expect(await shareWith("canvas { visibility: hidden }")).toBeGreaterThan(DIFFERING_SHARE);
  expect(await shareWith("section:has(#nodes) { display: none }")).toBeGreaterThan(DIFFERING_SHARE);
  expect(await shareWith("main { grid-template-columns: 1fr }")).toBeGreaterThan(DIFFERING_SHARE);
});

async function followRecorded(page: Page): Promise<void> {
  await isLive(page);
  await page.getByLabel("Room to follow").fill("keynote");
  await page.getByRole("button", { name: "Follow" }).click();
  await tailed(page).first().waitFor();
  await page.locator("#tail-button").blur();
}

async function seriousFaults(page: Page): Promise<string[]> {
  const { violations } = await page.evaluate<AxeResults>(`${AXE}; axe.run()`);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** Pixels of the plot of pushes that have its line's colour. */
function inkOfPlot(page: Page): Promise<number> {
  return page
    .getByRole("figure", { name: "Pushes" })
    .locator("canvas")
    .evaluate((canvas: HTMLCanvasElement) => {
      const { data } =
        canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? {};
      let ink = 0;
      for (let at = 0; at < (data?.length ?? 0); at += 4) {
        const [red = 0, , blue = 0, alpha = 0] = data?.subarray(at, at + 4) ?? [];
        if (alpha > 100 && blue > red + 60) ink += 1;
      }
      return ink;
    });
}

function focused(page: Page): Promise<string | null> {
  return page.evaluate(() => {
    const { activeElement: at } = document;
    return at?.id || at?.getAttribute("name") || (at?.tagName ?? null);
  });
}
