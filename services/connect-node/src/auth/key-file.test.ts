import { rmSync } from "node:fs";
import { createLogger, InvalidSettings, ManualClock } from "@pushcast/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newSecret, TestFile } from "../../test/tokens.ts";
import { KeyFile } from "./key-file.ts";
import { readSecret } from "./key-formats.ts";

const [first, second] = [newSecret(), newSecret()];

let file: TestFile;
let clock: ManualClock;
let keys: KeyFile;
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
  const { path } = file;
  keys = new KeyFile({ setting: "JWT_SECRET_FILE", path, read: readSecret, clock, logger });
});

afterEach(() => {
  keys.stop();
  file.close();
});

/** Lets the file be looked at, and waits until that was logged. */
async function look(): Promise<string> {
  const logged = new Promise<void>((resolve) => {
    onLine = resolve;
  });
  clock.advance(2_000);
  await logged;
  return lines.at(-1) ?? "";
}

async function secretInUse(): Promise<string> {
  const key = await keys.find({ alg: "HS256" }, { payload: "", signature: "" });
  return (key as { export(): Buffer }).export().toString();
}

test("is read again when it has changed", async () => {
  await keys.start();
  expect(await secretInUse()).toBe(first.text);
  file.write(second.text);
  expect(await look()).toContain("have changed");
  expect(await secretInUse()).toBe(second.text);
});

test("that cannot be used any more changes nothing, and is not shown", async () => {
  await keys.start();
  file.write("too short to be a secret");
  expect(await look()).toContain("the last ones stand");
  expect(await secretInUse()).toBe(first.text);
  rmSync(file.path);
  expect(await look()).toContain("ENOENT");
  expect(await secretInUse()).toBe(first.text);
  file.write(second.text);
  await look();
  expect(await secretInUse()).toBe(second.text);
  for (const text of [first.text, second.text, "too short to be"]) {
    expect(lines.join("")).not.toContain(text);
  }
});

test.each([
  ["is not there", () => rmSync(file.path), "cannot be read: ENOENT"],
  ["is empty", () => file.write(""), "the secret has 0 bytes, and must have 32"],
])("that %s is an invalid setting", async (_what, spoil, problem) => {
  spoil();
  const refused = keys.start();
  await expect(refused).rejects.toThrow(InvalidSettings);
  await expect(refused).rejects.toMatchObject({
    errors: [{ setting: "JWT_SECRET_FILE", problem }],
  });
});
