import { describe, expect, test } from "vitest";
import { UsageError } from "./cli-error.ts";
import { choice, duration, flag, type Option, text, textOr, texts, wholeNumber } from "./option.ts";
import { readArguments, takePositionals } from "./read-arguments.ts";

const OPTIONS = {
  room: texts({ placeholder: "NAME", doc: "rooms" }),
  tokenFile: text({ placeholder: "FILE", doc: "a file", env: "TOKEN_FILE" }),
  url: textOr("ws://here", { placeholder: "URL", doc: "where" }),
  tls: flag({ doc: "TLS", env: "TLS" }),
  wait: choice(["nodes", "none"], "nodes", { doc: "wait" }),
  code: wholeNumber([4000, 4999], { placeholder: "NUMBER", doc: "code" }),
  timeout: duration("5s", { doc: "how long", env: "TIMEOUT" }),
};

const read = (args: readonly string[], env = {}) => readArguments(args, OPTIONS, env);

test("what is not given has its default", () => {
  expect(read([])).toEqual({
    options: {
      room: [],
      tokenFile: undefined,
      url: "ws://here",
      tls: false,
      wait: "nodes",
      code: undefined,
      timeout: 5_000,
    },
    positionals: [],
  });
});

test("options stand anywhere between names, with a space or =", () => {
  const args = ["a", "--room", "x", "--tls", "b", "--room=y", "--code=4100", "--wait", "none", "-"];
  expect(read(args)).toMatchObject({
    options: { room: ["x", "y"], tls: true, code: 4100, wait: "none" },
    positionals: ["a", "b", "-"],
  });
});

test("after -- nothing is an option", () => {
  expect(read(["--", "--tls"])).toMatchObject({ options: { tls: false }, positionals: ["--tls"] });
});

test("the environment counts where an option is not given", () => {
  const env = { TOKEN_FILE: "of-env", TLS: "1", TIMEOUT: "1m" };
  expect(read([], env).options).toMatchObject({ tokenFile: "of-env", tls: true, timeout: 60_000 });
  expect(read(["--token-file", "given"], env).options.tokenFile).toBe("given");
  expect(read([], { TLS: "0", TOKEN_FILE: "" }).options).toMatchObject({
    tls: false,
    tokenFile: undefined,
  });
});

test.each([
  ["250ms", 250],
  ["2", 2_000],
  ["1.5s", 1_500],
  ["2m", 120_000],
  ["12h", 43_200_000],
  ["1d", 86_400_000],
])("the time %s is %d ms", (given, ms) => {
  expect(read(["--timeout", given]).options.timeout).toBe(ms);
});

test("a time that no timer can wait is refused, and a longer one taken where nothing waits", () => {
  expect(() => read(["--timeout", "25h"])).toThrow('--timeout takes at most 1d, not "25h"');
  const life = { life: duration("1h", { doc: "how long" }, 30 * 86_400_000) };
  expect(readArguments(["--life", "30d"], life, {}).options.life).toBe(2_592_000_000);
  expect(() => readArguments(["--life", "31d"], life, {})).toThrow("at most 30d");
});

describe("a usage error says which option and what it takes:", () => {
  test.each([
    [["--rom", "x"], "unknown option --rom", "Did you mean --room?"],
    [["--frobnicate"], "unknown option --frobnicate", undefined],
    [["-x"], "unknown option -x", undefined],
    [["--tls=yes"], "--tls takes no value", undefined],
    [["--room"], "--room needs a value", undefined],
    [
      ["--room", "--tls"],
      "--room needs a value",
      "If its value begins with --, write --room=--tls.",
    ],
    [["--url", "a", "--url", "b"], "--url is given 2 times", undefined],
    [["--wait", "long"], '--wait takes nodes or none, not "long"', undefined],
    [["--code", "12"], '--code takes a whole number from 4000 to 4999, not "12"', undefined],
    [["--code", "4e3"], '--code takes a whole number from 4000 to 4999, not "4e3"', undefined],
    [
      ["--timeout", "soon"],
      '--timeout takes a time like 500ms, 10s, 5m or 1h, not "soon"',
      undefined,
    ],
    [["--timeout", "0"], '--timeout takes a time like 500ms, 10s, 5m or 1h, not "0"', undefined],
  ])("%j", (args, message, hint) => {
    expect(() => read(args)).toThrow(UsageError);
    expect(() => read(args)).toThrow(expect.objectContaining({ message, hint }));
  });

  test("or which variable", () => {
    expect(() => read([], { TIMEOUT: "soon" })).toThrow("TIMEOUT takes a time");
  });
});

test("names are taken in order, and those missing or too many are said", () => {
  expect(takePositionals(["a", "b"], ["USER"], ["ROOM"])).toEqual(["a", "b"]);
  expect(() => takePositionals([], ["USER", "ROOM"])).toThrow("USER and ROOM are missing");
  expect(() => takePositionals(["a"], ["USER", "ROOM"])).toThrow("ROOM is missing");
  expect(() => takePositionals(["a", "b c"], ["USER"])).toThrow(
    'there is one argument too many: "b c"',
  );
});

test("a default stands in the help", () => {
  const option: Option<string> = OPTIONS.url;
  expect(option.doc).toBe("where (default: ws://here)");
});
