import { describe, expect, test } from "vitest";
import { UsageError } from "./command.ts";
import { readCommandLine } from "./command-line.ts";

describe("the command line", () => {
  test.each([["--help"], ["-h"]])("lists the commands on %s", (option) => {
    expect(readCommandLine([option])).toEqual({
      kind: "print",
      text: expect.stringMatching(/^Usage: pushcast .*\n {2}dev {3}/s),
    });
  });

  test("says its version", () => {
    expect(readCommandLine(["--version"])).toEqual({ kind: "print", text: "0.1.0\n" });
  });

  test.each([[["dev", "--help"]], [["dev", "-h"]], [["dev", "--free-ports", "--help"]]])(
    "explains a command on %j",
    (args) => {
      expect(readCommandLine(args)).toEqual({
        kind: "print",
        text: expect.stringMatching(/^Usage: pushcast dev .*--free-ports/s),
      });
    },
  );

  test("runs a command", () => {
    expect(readCommandLine(["dev"]).kind).toBe("run");
    expect(readCommandLine(["dev", "--free-ports"]).kind).toBe("run");
  });

  test.each([
    [[], "a command is missing"],
    [["dve"], 'unknown command "dve"'],
    [["--port"], 'unknown option "--port"'],
    [["dev", "--port"], "'--port'"],
    [["dev", "now"], "'now'"],
    [["dev", "--free-ports=yes"], "'--free-ports'"],
  ])("refuses %j", (args, words) => {
    expect(() => readCommandLine(args)).toThrow(UsageError);
    expect(() => readCommandLine(args)).toThrow(words);
  });
});
