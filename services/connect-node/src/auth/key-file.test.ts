import { rmSync } from "node:fs";
import { createLogger, type FileFollower, InvalidSettings, ManualClock } from "@pushcast/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FILES_CHECK_MS, filesWithoutNode } from "../../test/stage.ts";
import { newSecret, TestFile } from "../../test/tokens.ts";
import { openKeyFile } from "./key-file.ts";
import type { TokenKeys } from "./token-keys.ts";

const [first, second] = [newSecret(), newSecret()];

let file: TestFile;
let clock: ManualClock;
let files: FileFollower;
/** What was logged, and who waits for more. */
let lines: string[];
let onLine: () => void;

beforeEach(() => {
  file = new TestFile(first.text);
  clock = new ManualClock();
  lines = [];
  onLine = () => {};
  const logger = createLogger(
    { service: "connect-node", level: "trace" },
    {
      write: (line: string) => {
        lines.push(line);
        onLine();
      },
    },
  );
  files = filesWithoutNode(clock, logger);
});

afterEach(() => {
  files.stop();
  file.close();
});

function open(): TokenKeys {
  const keys = openKeyFile({ JWT_SECRET_FILE: file.path, JWT_PUBLIC_KEY_FILE: undefined }, files);
  files.start();
  return keys;
}

/** Lets the file be looked at, and waits until that was logged. */
async function look(): Promise<string> {
  const logged = new Promise<void>((resolve) => {
    onLine = resolve;
  });
  clock.advance(FILES_CHECK_MS);
  await logged;
  return lines.at(-1) ?? "";
}

async function secretIn(keys: TokenKeys): Promise<string> {
  const key = await keys.find({ alg: "HS256" }, { payload: "", signature: "" });
  return (key as { export(): Buffer }).export().toString();
}

test("is read again when it has changed", async () => {
  const keys = open();
  expect(await secretIn(keys)).toBe(first.text);
  file.write(second.text);
  expect(await look()).toContain("have changed and are in use");
  expect(await secretIn(keys)).toBe(second.text);
});

test("that cannot be used any more changes nothing, and is not shown", async () => {
  const keys = open();
  file.write("too short to be a secret");
  expect(await look()).toContain("what was there before is kept");
  expect(await secretIn(keys)).toBe(first.text);
  rmSync(file.path);
  expect(await look()).toContain("ENOENT");
  expect(await secretIn(keys)).toBe(first.text);
  file.write(second.text);
  await look();
  expect(await secretIn(keys)).toBe(second.text);
  for (const text of [first.text, second.text, "too short to be"]) {
    expect(lines.join("")).not.toContain(text);
  }
});

test.each([
  ["is not there", () => rmSync(file.path), "cannot be used: ENOENT"],
  ["is empty", () => file.write(""), "cannot be used: the secret has 0 bytes, and must have 32"],
])("that %s is an invalid setting", (_what, spoil, problem) => {
  spoil();
  const invalid = { setting: "JWT_SECRET_FILE", problem: expect.stringContaining(problem) };
  expect(open).toThrow(InvalidSettings);
  expect(open).toThrow(expect.objectContaining({ errors: [invalid] }));
});
