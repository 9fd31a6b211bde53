import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ROOT } from "../repository/files.ts";
import { codeSpans } from "../repository/markdown.ts";
import { blocksOf, PAGES, readPage } from "./pages.ts";

const SCRIPTS: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(join(ROOT, "package.json"), "utf8"),
).scripts;

/** Those whose options other tests hold against the code, and those that take none. */
const WITHOUT_HELP = new Set(["synth", "test", "start", "bench:full"]);

/** Each `npm run name -- options` in blocks and in the text. */
const CALLS = PAGES.flatMap((page) => {
  const shell = blocksOf(page).filter(({ language }) => language === "sh");
  const lines = [
    ...shell.flatMap(({ code }) => code.replaceAll("\\\n", " ").split("\n")),
    ...codeSpans(readPage(page)).map((span) => span.replaceAll("\n", " ")),
  ];
  return lines.flatMap((line) =>
    Array.from(
      line.matchAll(/\bnpm (?:run )?(test|start|(?<=run )[\w:-]+)(?: -- ([^#&]*))?/g),
      ([call, name = "", options = ""]) => ({ page, call, name, options }),
    ),
  );
});

test("the npm scripts that the documents name are there", () => {
  expect(CALLS.length).toBeGreaterThan(20);
  expect(CALLS.filter(({ name }) => !(name in SCRIPTS))).toEqual([]);
});

test("the options that the documents give npm scripts are in their help, and so are the names", async () => {
  const called = CALLS.filter(({ name, options }) => options !== "" && !WITHOUT_HELP.has(name));
  const names = [...new Set(called.map(({ name }) => name))];
  const helps = new Map(
    await Promise.all(names.map(async (name) => [name, await helpOf(name)] as const)),
  );
  const unknown = called.flatMap(({ page, call, name, options }) =>
    words(options)
      .filter((word) => !isOwnValue(word) && !helps.get(name)?.includes(word))
      .map((word) => `${page}: "${word}" of \`${call.trim()}\``),
  );

  expect(called.length).toBeGreaterThan(10);
  expect(unknown).toEqual([]);
});

/** What the last command of a script says of its options; what comes before it builds. */
async function helpOf(name: string): Promise<string> {
  const command = SCRIPTS[name]?.split(" && ").at(-1) ?? "";
  const { stdout } = await promisify(execFile)("bash", ["-c", `${command} --help`], { cwd: ROOT });
  // Nothing explains the option that explains.
  return `${stdout} --help`;
}

function words(options: string): string[] {
  return Array.from(
    options.matchAll(/"([^"]*)"|(\S+)/g),
    ([, quoted, plain]) => quoted ?? plain ?? "",
  );
}

/** A number, a file, a placeholder: what a help cannot name. */
function isOwnValue(word: string): boolean {
  return /^\d|[./…]|^[A-Z]+$/.test(word);
}
