import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { loadTalk } from "../../examples/captions/src/talk.ts";
import { launchBrowser } from "../support/browser.ts";
import { CaptionsProcess } from "../support/captions-process.ts";
import { until } from "../support/until.ts";

const TALK = fileURLToPath(new URL("../../examples/captions/talks/lighthouse", import.meta.url));
const SHOWN_WITHIN_MS = 20_000;

/** Keeps the text of every line that the page has added to its captions, in `window.lines`. */
const KEEP_LINES = `
  window.lines = [];
  addEventListener("DOMContentLoaded", () => {
    const keep = (changes) => {
      for (const { addedNodes } of changes) {
        for (const { textContent } of addedNodes) window.lines.push(textContent);
      }
    };
    new MutationObserver(keep).observe(document.querySelector("#captions"), { childList: true });
  });
`;

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(() => browser.close());

/** Opens the example's page, and fails the test if the page has an error. */
async function openPage(example: CaptionsProcess, query: string): Promise<Page> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  onTestFinished(async () => {
    await page.close();
    expect(errors).toEqual([]);
  });
  await page.addInitScript(KEEP_LINES);
  await page.goto(`${await example.pageUrl()}?${query}`);
  return page;
}

function linesOf(page: Page): Promise<string[]> {
  return page.evaluate<string[]>("window.lines");
}

async function untilMore(page: Page, more: number): Promise<void> {
  const before = (await linesOf(page)).length;
  const hasMore = async () => (await linesOf(page)).length >= before + more;
  await until(`${more} more captions`, hasMore, SHOWN_WITHIN_MS);
}

async function textsOf(lang: string): Promise<string[]> {
  const { tracks } = await loadTalk(TALK);
  return tracks.find((track) => track.lang === lang)?.cues.map(({ text }) => text) ?? [];
}

/** The part of a talk that begins with the same line and is as long. */
function partLike(lines: readonly string[], talk: readonly string[]): string[] {
  const from = talk.indexOf(lines[0] ?? "");
  return talk.slice(from, from + lines.length);
}

async function untilText(page: Page, selector: string, text: string): Promise<void> {
  const matching = page.locator(selector).filter({ hasText: text, visible: true });
  await matching.waitFor({ timeout: SHOWN_WITHIN_MS });
}

describe("the page of the captions example", () => {
  it("shows each cue as it comes, and the ending at the end", async () => {
    const example = await CaptionsProcess.start(["--speed", "40", "--stay"]);
    const page = await openPage(example, "lang=en");
    await untilText(page, "#connection", "Live");
    await untilText(page, "#ending", "The talk has ended.");
    expect(await linesOf(page)).toEqual(await textsOf("en"));
    expect(await page.locator("#captions li").count()).toBe(5);
    expect(await page.locator("#notice").isVisible()).toBe(false);
    expect(await page.title()).toBe("The lighthouse keeps no list");
  });

  it("goes on in the other language when it is chosen, with the notice for its readers", async () => {
    const example = await CaptionsProcess.start(["--speed", "20", "--loop"]);
    const page = await openPage(example, "lang=en");
    await untilMore(page, 3);
    await page.getByRole("radio", { name: "Deutsch" }).check();
    await untilText(page, "#notice", "maschinell");
    await untilMore(page, 5);

    const lines = await linesOf(page);
    const german = await textsOf("de");
    const firstGerman = lines.findIndex((line) => german.includes(line));
    const englishPart = lines.slice(0, firstGerman);
    const germanPart = lines.slice(firstGerman);
    expect(englishPart).toEqual(partLike(englishPart, await textsOf("en")));
    expect(germanPart).toEqual(partLike(germanPart, german));
    expect(await page.locator("#captions").getAttribute("lang")).toBe("de");
    expect(await page.locator("#title").textContent()).toBe("Der Leuchtturm führt keine Liste");
  });

  it("moves to the node that is chosen, and by itself to the other when that one is gone", async () => {
    const example = await CaptionsProcess.start(["--speed", "10"]);
    const page = await openPage(example, "lang=en");
    const nodeShown = () => page.locator("input[name=node]:checked").getAttribute("value");
    await untilMore(page, 2);
    await page.getByRole("radio", { name: "node 2" }).check();
    await untilText(page, "#connection", "Live");
    await untilMore(page, 2);
    expect(await nodeShown()).toBe("node-2");

    process.kill(example.pids.get("node-2") ?? 0, "SIGKILL");
    await until("node 1 is shown", async () => (await nodeShown()) === "node-1");
    await untilText(page, "#connection", "Live");
    await untilMore(page, 3);
    const lines = await linesOf(page);
    expect(new Set(lines).size).toBe(lines.length);
    example.interrupt();
    expect(await example.ended).toBe(0);
    expect(await example.leftovers()).toEqual([]);
  });
});
