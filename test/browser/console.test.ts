/// <reference lib="dom" />
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createDevSystem, type DevPorts, FREE_PORTS } from "@pushcast/cli";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { differingShare, differsFromReference } from "../support/same-picture.ts";
import { node, playRecording, type Recording } from "./console-recording.ts";

const SCHEMES = ["light", "dark"] as const;
const WINDOWS = [
  ["desktop", { width: 1280, height: 800 }],
  ["phone", { width: 390, height: 844 }],
] as const;
/** Of a screenshot's squares: what other fonts change, and no layout that is broken. */
const DIFFERING_SHARE = 0.01;
/** Those of Debian's chromium: a machine may have others, and prefer them. */
const FONTS = ":root { --sans: 'DejaVu Sans'; --mono: 'DejaVu Sans Mono' }";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

type Dev = Awaited<ReturnType<typeof startDev>>;

let browser: Browser;
let dev: Dev;

beforeAll(async () => {
  [browser, dev] = await Promise.all([launchBrowser(), startDev()]);
});

afterAll(() => Promise.all([browser.close(), dev.stop()]));

async function startDev(env: Readonly<Record<string, string>> = {}, at: DevPorts = FREE_PORTS) {
  const system = createDevSystem({ env: { LOG_LEVEL: "silent", ...env }, ports: at });
  const { consoleUrl = "", ports } = await system.start();
  return { consoleUrl, ports, stop: () => system.stop() };
}

interface Look {
  readonly url?: string;
  readonly scheme?: (typeof SCHEMES)[number];
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly recorded?: boolean | Recording;
}

type Open = (look?: Look) => Promise<Page>;

/** Opens consoles until the test ends. */
const it = test.extend<{ open: Open }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from it that no fixture is needed.
  open: async ({}, use) => {
    const contexts: BrowserContext[] = [];
    /** What went wrong on a page without being shown; also what its policy forbids. */
    const faults: string[] = [];
    await use(async ({ url = dev.consoleUrl, scheme = "light", viewport, recorded } = {}) => {
      const context = await browser.newContext({
        colorScheme: scheme,
        timezoneId: "UTC",
        viewport: viewport ?? { width: 1280, height: 800 },
      });
      contexts.push(context);
      const page = await context.newPage();
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on("console", (message) => {
        const expected = /^Failed to load resource/.test(message.text());
        if (message.type() === "error" && !expected) faults.push(message.text());
      });
      if (recorded) {
        await page.clock.install();
        await page.addInitScript(adoptRules, FONTS);
        await playRecording(page, recorded === true ? {} : recorded);
      }
      await page.goto(url);
      return page;
    });
    await Promise.all(contexts.map((context) => context.close()));
    expect(faults).toEqual([]);
  },
});

/** Runs in the page: CSS that comes after its own, and that its policy lets no element bring. */
function adoptRules(rules: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rules);
  document.adoptedStyleSheets.push(sheet);
}

const isLive = (page: Page) => page.locator("#status").getByText("live", { exact: true }).waitFor();
const nodeRow = (page: Page, name: string) => page.getByRole("row", { name });
const tailed = (page: Page) => page.getByRole("log").getByRole("listitem");

describe.concurrent("the console of a system that runs", { timeout: 60_000 }, () => {
  it("shows the manager and its nodes, pushes to a room, and shows it in the room's tail", async ({
    open,
  }) => {
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

    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByLabel("Room to follow").fill("é".repeat(200));
    await page.getByRole("button", { name: "Follow" }).click();
    await page.getByText("room_id must be at most 256 bytes").waitFor();
    await page.getByRole("button", { name: "Follow" }).waitFor();
  });

  it("draws what it pushes", async ({ open, expect }) => {
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

  it("is used with the keyboard alone", async ({ open }) => {
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

  it("every control is reached with Tab", async ({ open }) => {
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

  it("asks for the token that it needs, and keeps it out of every URL", async ({ open }) => {
    const token = "correct-horse-battery";
    const guarded = await startDev({ CONSOLE_TOKEN: token });
    try {
      const page = await open({ url: guarded.consoleUrl });
      const urls: string[] = [];
      page.on("request", (request) => urls.push(request.url()));
      const dialog = page.getByRole("dialog", { name: "The console's token" });
      await dialog.waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Enter the token" }).click();
      // No header can have it.
      await dialog.getByLabel("Token").fill("wrong-hörse-battery");
      await page.keyboard.press("Enter");
      expect(await dialog.locator(":invalid").count()).toBe(2);
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

  it("shows a node that begins to drain, a manager that is gone, and the one after it", async ({
    open,
  }) => {
    let own = await startDev();
    try {
      const page = await open({ url: own.consoleUrl });
      await isLive(page);
      const [node] = own.ports.nodes;
      await fetch(`http://localhost:${node?.ops}/drain`, { method: "POST" });
      await nodeRow(page, "node-1").getByText("draining", { exact: true }).waitFor();
      const epoch = await page.locator("#manager code").textContent();
      await own.stop();
      await page.locator("#status").getByText("trying again").waitFor();
      own = await startDev({}, own.ports);
      await isLive(page);
      await nodeRow(page, "node-1").getByText("ready", { exact: true }).waitFor();
      expect(await page.locator("#manager code").textContent()).not.toBe(epoch);
    } finally {
      await own.stop();
    }
  });

  it("says when nothing is heard of the manager, and asks again", async ({ open, expect }) => {
    const page = await open({ recorded: { endsSilent: true } });
    await isLive(page);
    const said = await page.locator("#status").evaluateHandle((status) => {
      const words: (string | null)[] = [];
      new MutationObserver(() => words.push(status.textContent)).observe(status, {
        childList: true,
      });
      return words;
    });
    await page.clock.fastForward(13_000);
    await expect
      .poll(() => said.jsonValue(), { timeout: 5000 })
      .toEqual(["nothing is heard of the push-manager; trying again", "live"]);
  });

  it("shows many nodes, with whatever names, within the page", async ({ open }) => {
    const name = "a-name-that-never-ends-".repeat(10);
    const nodes = Array.from({ length: 50 }, (_, at) => {
      const zone = at === 7 ? name : "";
      return { ...node(`${at === 9 ? name : "node-"}${at}`, "ready", "live", 0), zone };
    });
    const page = await open({ recorded: { nodes }, viewport: WINDOWS[1][1] });
    await page.getByText("50 nodes, 0 sessions, 50 nodes did not answer").waitFor();
    const root = page.locator("html");
    expect(await root.evaluate((html) => html.scrollWidth - html.clientWidth)).toBe(0);
    const table = page.getByRole("region", { name: "Table of nodes" });
    const heights = await table.evaluate((at) => [at.clientHeight, at.scrollHeight]);
    expect(heights[0]).toBeLessThan(600);
    expect(heights[1]).toBeGreaterThan(1000);
    await table.getByText("node-49").scrollIntoViewIfNeeded();
    expect(await table.getByText("Sessions").isVisible()).toBe(true);
  });
});

describe.concurrent.each(SCHEMES)("in %s colours", { timeout: 60_000 }, (scheme) => {
  it.for(WINDOWS)(
    "it looks on a %s as in its reference, and axe finds no serious fault",
    async ([name, viewport], { open }) => {
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

it("the comparison of pictures sees what is broken", async ({ open }) => {
  const page = await open({ recorded: true });
  await followRecorded(page);
  const whole = await page.screenshot({ fullPage: true });
  const shareWith = async (css: string) => {
    await page.evaluate(adoptRules, css);
    const screenshot = await page.screenshot({ fullPage: true });
    await page.evaluate(() => void document.adoptedStyleSheets.pop());
    return await differingShare(browser, whole, screenshot);
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
