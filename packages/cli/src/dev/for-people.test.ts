import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { Output } from "../frame/output.ts";
import { createDevForPeople } from "./for-people.ts";

/** What is said on stderr before anything starts. */
function saidFor(env: Readonly<Record<string, string>>): string {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const output = new Output({ stdout, stderr, env: {} }, false);
  const service = createDevForPeople({ env, freePorts: true, output });
  onTestFinished(() => service.stop());
  return String(stderr.read() ?? "");
}

test("settings that do not hold here are said by name, without their values", () => {
  const said = saidFor({ AUTH_MODE: "jwt", JWT_SECRET_FILE: "/a/secret" });
  expect(said).toMatch(/^Warning: pushcast dev does not heed AUTH_MODE, JWT_SECRET_FILE: /);
  expect(said).toContain("docs/operations.md");
  expect(said).not.toContain("/a/secret");
});

test("nothing is said where all holds", () => {
  expect(saidFor({ LOG_LEVEL: "silent", MAX_CONTENT_BYTES: "1000" })).toBe("");
});
