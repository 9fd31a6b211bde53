import { describe, expect, test } from "vitest";
import { createLogger, type LogLevel } from "./logger.ts";
import { writeReadyLine } from "./ready-line.ts";

function logTo(level: LogLevel) {
  const written: string[] = [];
  const stream = { write: (line: string) => void written.push(line) };
  return {
    log: createLogger({ service: "push-manager", level }, stream),
    lines: () => written.map((line) => JSON.parse(line)),
  };
}

describe("the logger", () => {
  test("writes a line of JSON with level, time and service", () => {
    const { log, lines } = logTo("info");
    log.info({ nodeId: "node-1" }, "link up");
    const [line] = lines();
    expect(line).toEqual({
      level: "info",
      time: expect.any(String),
      service: "push-manager",
      nodeId: "node-1",
      msg: "link up",
    });
    expect(new Date(line.time).toISOString()).toBe(line.time);
  });

  test("writes nothing less severe than its level, and nothing at all when silent", () => {
    const warn = logTo("warn");
    const silent = logTo("silent");
    for (const { log } of [warn, silent]) {
      log.info("seen by nobody");
      log.warn("seen");
      log.fatal("seen");
    }
    expect(warn.lines().map(({ level }) => level)).toEqual(["warn", "fatal"]);
    expect(silent.lines()).toEqual([]);
  });

  test("tells an error with its stack and its cause", () => {
    const { log, lines } = logTo("info");
    log.error({ err: new Error("outer", { cause: new Error("inner") }) }, "failed");
    expect(lines()[0].err).toMatchObject({ type: "Error" });
    expect(lines()[0].err.stack).toContain("logger.test.ts");
    expect(lines()[0].err.stack).toContain("inner");
  });

  test("adds a child's fields to its lines", () => {
    const { log, lines } = logTo("info");
    log.child({ nodeId: "node-2" }).warn("link down");
    expect(lines()[0]).toMatchObject({ service: "push-manager", nodeId: "node-2" });
  });
});

describe("the ready line", () => {
  test("is one line of JSON with who and where", () => {
    const written: string[] = [];
    const stream = { write: (line: string) => written.push(line) };
    const ports = { grpc: 50051, ops: 9100 };
    writeReadyLine({ service: "push-manager", epoch: "0123456789abcdef", ports }, stream);
    expect(written).toEqual([
      `{"msg":"ready","service":"push-manager","epoch":"0123456789abcdef","ports":{"grpc":50051,"ops":9100}}\n`,
    ]);
  });
});
