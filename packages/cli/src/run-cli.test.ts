import { describe, expect, test } from "vitest";
import { runInMemory } from "../test/run-in-memory.ts";
import { commands } from "./commands.ts";
import { usage } from "./frame/help.ts";
import { optionName } from "./frame/option.ts";

test.each([["--help"], ["-h"], ["help"]])("lists all commands on %s", async (argument) => {
  const { exitCode, stdout, stderr } = await runInMemory([argument]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(/^Usage: pushcast <command> /);
  for (const { name, summary } of commands) {
    expect(stdout).toContain(`\n  ${name} `);
    expect(stdout).toContain(summary);
  }
});

test("says its version", async () => {
  expect(await runInMemory(["--version"])).toEqual({ exitCode: 0, stdout: "0.1.0\n", stderr: "" });
});

describe.each(commands.map((command) => [command.name, command] as const))(
  "the help of %s",
  (name, command) => {
    test("comes by help, and by --help wherever it stands", async () => {
      const expected = { exitCode: 0, stdout: usage(command), stderr: "" };
      expect(await runInMemory(["help", name])).toEqual(expected);
      expect(await runInMemory([name, "--help"])).toEqual(expected);
      expect(await runInMemory([name, "--json", "-h"])).toEqual(expected);
    });

    test("has every option, an example and no line that is too long", () => {
      const text = usage(command);
      expect(text).toMatch(RegExp(`^Usage: pushcast ${name} `));
      for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
      for (const key of Object.keys(command.options)) expect(text).toContain(`${optionName(key)} `);
      expect(command.examples.length).toBeGreaterThan(0);
    });
  },
);

describe("what is wrong is said with the way out", () => {
  test.each([
    [[], "a command is missing", "pushcast --help"],
    [["dve"], "unknown command dve", "Did you mean pushcast dev?"],
    [["serve"], "unknown command serve", "pushcast --help lists the commands."],
    [["help", "dve"], "unknown command dve", "Did you mean pushcast dev?"],
    [["--verion"], "unknown option --verion", "Did you mean pushcast --version?"],
    [["dev", "--port"], "unknown option --port", "pushcast help dev"],
    [["dev", "--free-port"], "unknown option --free-port", "Did you mean --free-ports?"],
    [["dev", "now"], 'there is one argument too many: "now"', "pushcast help dev"],
    [["dev", "--free-ports=yes"], "--free-ports takes no value", "pushcast help dev"],
  ])("%j", async (args, problem, hint) => {
    const { exitCode, stdout, stderr } = await runInMemory(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toMatch(/^pushcast: .*\n {2}/);
    expect(stderr).toContain(`pushcast: ${problem}\n`);
    expect(stderr).toContain(hint);
  });

  test("as JSON with --json", async () => {
    const { exitCode, stderr } = await runInMemory(["dve", "--json"]);
    expect(exitCode).toBe(64);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: "USAGE",
        message: "unknown command dve",
        hint: "Did you mean pushcast dev?",
        exit_code: 64,
      },
    });
  });
});

test("after -- nothing is an option, neither --json nor --help", async () => {
  const { exitCode, stderr } = await runInMemory(["dev", "--", "--json", "--help"]);
  expect(exitCode).toBe(64);
  expect(stderr).toContain('pushcast: there is one argument too many: "--json"\n');
});
