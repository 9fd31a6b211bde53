import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, ManualClock } from "@pushcast/runtime";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FileProblem, WatchedFile } from "./watched-file.ts";

let directory: string;
let path: string;
const clock = new ManualClock();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "watched-file-"));
  path = join(directory, "secret");
});

afterEach(() => rmSync(directory, { recursive: true }));

function watch(): WatchedFile<string> {
  return new WatchedFile({
    setting: "A_FILE",
    path,
    read: (bytes) => {
      if (bytes.byteLength === 0) throw new FileProblem("is empty");
      return bytes.toString();
    },
    clock,
    logger: createLogger({ service: "connect-node", level: "silent" }),
  });
}

/** The clock reaches the next look, until the file's value is that. */
async function becomes(file: WatchedFile<string>, value: string): Promise<void> {
  await vi.waitFor(() => {
    clock.advance(2_000);
    expect(file.value).toBe(value);
  });
}

test("a file that changes is read again; what cannot be used changes nothing", async () => {
  writeFileSync(path, "one");
  const file = watch();
  await file.start();
  expect(file.value).toBe("one");
  writeFileSync(path, "two");
  await becomes(file, "two");
  writeFileSync(path, "");
  clock.advance(2_000);
  rmSync(path);
  clock.advance(2_000);
  expect(file.value).toBe("two");
  writeFileSync(path, "three");
  await becomes(file, "three");
  file.stop();
  expect(clock.pendingTimers).toBe(0);
});

test("a file that cannot be used at the start ends it, and the setting is named", async () => {
  const errors = (problem: string) => ({ errors: [{ setting: "A_FILE", problem }] });
  await expect(watch().start()).rejects.toMatchObject(errors("cannot be read: ENOENT"));
  writeFileSync(path, "");
  await expect(watch().start()).rejects.toMatchObject(errors("is empty"));
});
