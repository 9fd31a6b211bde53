import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ManualClock } from "./clock.ts";
import { FileFollower } from "./file-follower.ts";
import { createLogger } from "./logger.ts";
import type { ReloadedFiles } from "./reloaded-files.ts";
import { TransportMetrics } from "./transport-metrics.ts";

const EVERY_MS = 2_000;

let directory: string;
let path: string;
let clock: ManualClock;
let metrics: Registry;
let files: FileFollower;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "file-follower-"));
  path = join(directory, "secret");
  clock = new ManualClock();
  metrics = new Registry();
  files = new FileFollower({
    clock,
    everyMs: EVERY_MS,
    logger: createLogger({ service: "connect-node", level: "silent" }),
    counters: new TransportMetrics("connect_node", metrics, () => clock.now(), []),
  });
});

afterEach(() => rmSync(directory, { recursive: true }));

function open(): ReloadedFiles<string> {
  return files.open({
    name: "ticket_secrets",
    paths: { A_FILE: path },
    parse: (bytes) => {
      if (bytes.byteLength === 0) throw new Error("it is empty");
      return bytes.toString();
    },
  });
}

/** The clock reaches the next look, until so many versions had that result. */
async function untilCounted(result: "loaded" | "refused", count: number): Promise<void> {
  const labels = { files: "ticket_secrets", result };
  const look = async () => {
    clock.advance(EVERY_MS);
    const counter = await metrics.getSingleMetric("connect_node_file_loads_total")?.get();
    expect(counter?.values).toContainEqual(expect.objectContaining({ labels, value: count }));
  };
  await vi.waitFor(look, { timeout: 10_000, interval: 5 });
}

test("a file that changes is read again; what cannot be used changes nothing", async () => {
  writeFileSync(path, "one");
  const file = open();
  files.start();
  expect(file.value).toBe("one");
  writeFileSync(path, "two");
  await untilCounted("loaded", 2);
  expect(file.value).toBe("two");
  writeFileSync(path, "");
  await untilCounted("refused", 1);
  rmSync(path);
  await untilCounted("refused", 2);
  expect(file.value).toBe("two");
  writeFileSync(path, "three");
  await untilCounted("loaded", 3);
  expect(file.value).toBe("three");
  files.stop();
  expect(clock.pendingTimers).toBe(0);
});

test("a file that cannot be used at the start ends it, and the setting is named", () => {
  const blamed = (problem: string) =>
    expect.objectContaining({
      errors: [{ setting: "A_FILE", problem: expect.stringContaining(problem) }],
    });
  expect(open).toThrow(blamed("cannot be used: ENOENT"));
  writeFileSync(path, "");
  expect(open).toThrow(blamed("cannot be used: it is empty"));
});
