import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { CliError } from "./cli-error.ts";
import type { Environment, TextStream } from "./io.ts";
import { Output } from "./output.ts";
import { printable } from "./printable.ts";

interface Written {
  readonly output: Output;
  stdout(): string;
  stderr(): string;
}

function outputTo(terminal: Partial<TextStream>, env: Environment = {}, isJson = false): Written {
  const streams = [new PassThrough({ encoding: "utf8" }), new PassThrough({ encoding: "utf8" })];
  const [stdout, stderr] = streams.map((stream) => Object.assign(stream, terminal));
  const written = (stream: PassThrough | undefined) => String(stream?.read() ?? "");
  return {
    output: new Output({ stdout: stdout as TextStream, stderr: stderr as TextStream, env }, isJson),
    stdout: () => written(stdout),
    stderr: () => written(stderr),
  };
}

const TERMINAL = { isTTY: true, columns: 40 };
const ERROR = new CliError({ code: "NO", message: "it is not there", hint: "Look.", exitCode: 66 });

test("colours are for terminals, and not where NO_COLOR is set or the terminal is dumb", () => {
  const red = "\u001b[31mx\u001b[39m";
  expect(outputTo(TERMINAL).output.style("red", "x")).toBe(red);
  expect(outputTo(TERMINAL, { NO_COLOR: "" }).output.style("red", "x")).toBe(red);
  expect(outputTo(TERMINAL, { NO_COLOR: "1" }).output.style("red", "x")).toBe("x");
  expect(outputTo(TERMINAL, { TERM: "dumb" }).output.style("red", "x")).toBe("x");
  expect(outputTo({}).output.style("red", "x")).toBe("x");
});

test("a result is words for people and one line of JSON for programs", () => {
  const people = outputTo({});
  people.output.result({ a: 1n }, () => ["one", "two"]);
  expect(people.stdout()).toBe("one\ntwo\n");
  const programs = outputTo({}, {}, true);
  programs.output.result({ a: 1n, b: "x\ny" }, () => ["one", "two"]);
  expect(programs.stdout()).toBe('{"a":1,"b":"x\\ny"}\n');
});

test("notes and warnings are on stderr, and not there with --json", () => {
  const people = outputTo({});
  people.output.note("so");
  people.output.warning("but");
  expect(people.stderr()).toBe("so\nWarning: but\n");
  const programs = outputTo({}, {}, true);
  programs.output.note("so");
  programs.output.warning("but");
  expect(programs.stderr()).toBe("");
});

test("an error says what is wrong and what to do", () => {
  const people = outputTo({});
  people.output.error(ERROR);
  expect(people.stderr()).toBe("pushcast: it is not there\n  Look.\n");
  const programs = outputTo({}, {}, true);
  programs.output.error(ERROR);
  expect(JSON.parse(programs.stderr())).toEqual({
    error: { code: "NO", message: "it is not there", hint: "Look.", exit_code: 66 },
  });
});

test("progress is on a terminal only, no wider, and gives way to the result", () => {
  const { output, stdout, stderr } = outputTo(TERMINAL);
  output.progress("x".repeat(100));
  expect(stderr()).toBe(`\r\u001b[K\u001b[2m${"x".repeat(38)}…\u001b[22m`);
  output.result({}, () => ["done"]);
  expect(stderr()).toBe("\r\u001b[K");
  expect(stdout()).toBe("done\n");
  const piped = outputTo({});
  piped.output.progress("x");
  expect(piped.stderr()).toBe("");
});

test("JSON has no control character as it is, and the same value", () => {
  const { output, stdout } = outputTo({}, {}, true);
  const value = { content: "a\u001b[2J\u007f\u009b31m\u0085 grüße 你好" };
  output.result(value, () => []);
  const line = stdout();
  expect(line.trimEnd()).not.toMatch(/\p{Cc}/u);
  expect(JSON.parse(line)).toEqual(value);
});

test("an error with words of others cannot command the terminal", () => {
  const { output, stderr } = outputTo(TERMINAL, { NO_COLOR: "1" });
  output.error(
    new CliError({ code: "NO", message: "said: \u001b[2J", hint: "A.\nB \u009b.", exitCode: 69 }),
  );
  expect(stderr()).toBe("pushcast: said: \\u001b[2J\n  A.\n  B \\u009b.\n");
});

test("texts of others cannot command the terminal", () => {
  expect(printable("a\u001b[2Jb\u0007\u009b1m\u202ec\r\n\td")).toBe(
    "a\\u001b[2Jb\\u0007\\u009b1m\\u202ec\\r\\n\\td",
  );
  expect(printable("grüße 你好 👋")).toBe("grüße 你好 👋");
});
