import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { ROOT } from "../repository/files.ts";
import { type CodeBlock, codeBlocks } from "../repository/markdown.ts";
import { launchBrowser } from "../support/browser.ts";
import { it, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

const BLOCKS = codeBlocks(readFileSync(join(ROOT, "README.md"), "utf8"));

/** The README's only block in a language, with other addresses than those that it names. */
function readmeBlock(
  language: CodeBlock["language"],
  addresses: Readonly<Record<string, string>>,
): string {
  const [block, ...others] = BLOCKS.filter((found) => found.language === language);
  if (block === undefined || others.length > 0) throw new Error(`not one block of ${language}`);
  return Object.entries(addresses).reduce((code, [named, real]) => {
    if (!code.includes(named)) throw new Error(`the block of ${language} does not name ${named}`);
    return code.replaceAll(named, real);
  }, block.code);
}

/** Runs TypeScript as a file in this repository, and gives what it prints. */
async function runInRepository(stage: Stage, code: string): Promise<string> {
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".tmp/readme-"));
  stage.atEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "push.ts");
  writeFileSync(file, code);
  const { stdout } = await promisify(execFile)(join(ROOT, "node_modules/.bin/tsx"), [file]);
  return stdout;
}

it("the README's client in a browser's console gets what the README's biz-server pushes", async ({
  stage,
}) => {
  const { nodes, manager } = await stage.cluster(1);
  const [node] = nodes;
  if (node === undefined) throw new Error("a node is needed");
  await node.warm();
  const { host } = new URL(node.wsUrl);
  const browser = await launchBrowser();
  stage.atEnd(() => browser.close());
  const page = await browser.newPage();
  const printed: Record<string, unknown>[] = [];
  page.on("console", async (message) => {
    if (message.type() === "log") printed.push(await message.args()[0]?.jsonValue());
  });

  // Any page of the same address will do: Chromium keeps pages of elsewhere away from local addresses.
  const answer = await page.goto(`http://${host}/`);
  expect(answer?.status()).toBe(404);
  await page.evaluate(readmeBlock("js", { "localhost:8080": host }));
  await until("it has joined", () => printed.some(({ type }) => type === "joined"));
  const report = await runInRepository(
    stage,
    readmeBlock("ts", { "localhost:50051": manager.grpcAddress }),
  );

  expect(report).toContain("sessionsDelivered: 1");
  await until("the message", () => printed.some(({ type }) => type === "message"));
  expect(printed.at(-1)).toMatchObject({ type: "message", room: "room-001", content: "hello" });
});
