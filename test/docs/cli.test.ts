import { commands, createDevSystem, FREE_PORTS, usage } from "@pushcast/cli";
import { expect, onTestFinished, test } from "vitest";
import { blockOf, blocksOf, readPage } from "./pages.ts";
import { runShell, Shell } from "./shell.ts";

const PAGE = "docs/cli.md";

test("the first lines of the page, each in its terminal, push to who tails", async () => {
  const system = createDevSystem({ env: { LOG_LEVEL: "silent" }, ports: FREE_PORTS });
  onTestFinished(() => system.stop());
  const { ports } = await system.start();
  const env = {
    PUSHCAST_MANAGER: `localhost:${ports.manager.grpc}`,
    PUSHCAST_URL: `ws://localhost:${ports.nodes[0]?.ws}/ws`,
  };
  const tail = new Shell(blockOf(PAGE, "npx pushcast tail").code, { env });
  onTestFinished(() => tail.close());
  await tail.shows(/connected to node-1/);
  const shown = await runShell(blockOf(PAGE, "npx pushcast push").code, { env });

  await tail.shows(/^[\d:.]+ {2}lobby {2}Hello$/m);
  expect(shown).toContain("1 session on 1 node got it.");
  expect(shown).toMatch(/^sessions +1$/m);
  expect(shown).toMatch(/^node-2 +ready +live /m);
});

test("the page has the help of every command", () => {
  const helps = blocksOf(PAGE).filter(({ language }) => language === "text");

  expect(helps.map(({ code }) => code.trimEnd())).toEqual(
    commands.map((command) => usage(command).trimEnd()),
  );
  expect(readPage(PAGE)).toContain("### pushcast push");
});

test("all lines of the page, the runbook and the helps that call pushcast have options that it takes", async () => {
  const examples = commands.flatMap((command) => command.examples.map(({ line }) => line));
  const ofPage = blocksOf(PAGE).filter(({ language }) => language === "sh");
  const ofRunbook = blocksOf("docs/runbook.md").flatMap(({ code }) =>
    code.split("\n").filter((line) => line.startsWith("npx pushcast ")),
  );
  expect(ofRunbook).not.toEqual([]);
  const lines = [
    ...examples,
    ...ofPage.flatMap(({ code }) => code.split("\n")).filter((line) => /pushcast [a-z]/.test(line)),
    ...ofRunbook,
  ];
  expect(lines.length).toBeGreaterThan(commands.length);
  // Functions in place of the programs: they print the arguments that the shell gives them.
  const printing = "pushcast() { printf '%s\\x1f' \"$@\" >&2; printf '\\x1e' >&2; }";
  const others = 'ops=,localhost:9100; npx() { "$@"; }; jq() { cat; }; date() { :; }';
  const printed = await runShell([printing, others, ...lines].join("\n"));

  const calls = printed.split("\x1e").slice(0, -1);
  expect(calls).toHaveLength(lines.length);
  for (const call of calls) {
    const [name, ...args] = call.split("\x1f").slice(0, -1);
    const command = commands.find((known) => known.name === name);
    expect(command, call).toBeDefined();
    expect(() => command?.prepare(args, {})).not.toThrow();
  }
});
