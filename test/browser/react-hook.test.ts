import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { rolldown } from "rolldown";
import { expect } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { it, type Stage } from "../support/stage.ts";

const APP = fileURLToPath(new URL("../../examples/react/test/page.tsx", import.meta.url));

/** The example's app in Chromium, in a page that has a fake server. */
async function openApp(stage: Stage): Promise<Page> {
  const bundle = await rolldown({
    input: APP,
    platform: "browser",
    resolve: { conditionNames: ["source", "import", "browser", "default"] },
    transform: { define: { "process.env.NODE_ENV": '"development"' } },
  });
  const { output } = await bundle.generate({ format: "iife" });
  await bundle.close();
  const browser = await launchBrowser();
  stage.atEnd(() => browser.close());
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  stage.atEnd(() => expect(errors).toEqual([]));
  await page.setContent('<div id="app"></div>');
  await page.addScriptTag({ content: output[0].code });
  return page;
}

it("the React example shows what comes, loads anew after a gap, and leaves what it shows no more", async ({
  stage,
}) => {
  const page = await openApp(stage);
  const server = (call: string) => page.evaluate<unknown>(`server.${call}`);
  const lines = (room: string) =>
    page.getByRole("region", { name: room }).getByRole("listitem").allTextContents();
  const status = () => page.getByRole("status").first().textContent();

  await page.getByText("open").first().waitFor();
  // Strict mode mounts twice: one of the two connections was closed.
  expect(await server("sessions")).toEqual([{ userId: "ann", rooms: ["one", "two"] }]);
  await server('pushToRoom("one", "first")');
  await server('pushToRoom("two", "second")');
  await server('pushToRoom("one", "third")');
  expect(await lines("one")).toEqual(["first", "third"]);
  expect(await lines("two")).toEqual(["second"]);

  await server("stop()");
  expect(await status()).toBe("closed");
  await server('pushToRoom("one", "missed")');
  await page.evaluate("server.start()");
  await server("advance(60_000)");
  expect(await status()).toBe("open");
  expect(await lines("one")).toEqual(["first", "third", "missed"]);

  await server('gap("one")');
  await page.getByText("loaded anew").waitFor();
  expect(await lines("one")).toEqual(["loaded anew"]);

  await page.evaluate('show(["two"])');
  await server("settle()");
  expect(await server("sessions")).toEqual([{ userId: "ann", rooms: ["two"] }]);
  await page.evaluate('show(["two", "three"], "bob")');
  await server("settle()");
  expect(await server("sessions")).toEqual([{ userId: "bob", rooms: ["two", "three"] }]);
  await page.evaluate("show(undefined)");
  await server("settle()");
  expect(await server("sessions")).toEqual([]);
});
