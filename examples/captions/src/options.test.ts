import { describe, expect, it } from "vitest";
import { readOptions, UsageError } from "./options.ts";

describe("the command line", () => {
  it("may be empty", () => {
    const { talk, ...options } = readOptions([]) ?? {};
    expect(options).toEqual({ speed: 1, port: 8090, readers: 1, loop: false, stay: false });
    expect(talk).toMatch(/talks\/lighthouse$/);
  });

  it("sets every option", () => {
    const args = "--speed 2.5 --talk a/b --port=0 --readers 3 --loop --stay".split(" ");
    expect(readOptions(args)).toEqual({
      ...{ speed: 2.5, talk: "a/b", port: 0, readers: 3, loop: true, stay: true },
    });
  });

  it("may ask for help", () => {
    expect(readOptions(["--help"])).toBeUndefined();
  });

  it.for([
    ["--speed", "0"],
    ["--speed", "fast"],
    ["--speed", ""],
    ["--port", "70000"],
    ["--port", "1.5"],
    ["--readers", "-1"],
    ["--unknown"],
    ["stray"],
  ])("is refused with %j", (args) => {
    expect(() => readOptions(args)).toThrow(UsageError);
  });
});
