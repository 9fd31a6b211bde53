import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const run = promisify(execFile);
const PACKAGE = fileURLToPath(new URL("../../packages/client", import.meta.url));
const TSC = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));
const TIMEOUT_MS = 30_000;

/** An app by the time of the device, so that timers that are left would keep it running. */
const PROGRAM = `
import { type Client, connect, type Message } from "@pushcast/client";
import { FakeServer } from "@pushcast/client/testing";

const server = new FakeServer();
const { clock: _, ...options } = server.options;
const token = () => "of.nobody.";
const client: Client = connect({ ...options, token, onGap: ({ reason }) => console.log(reason) });
client.room("r").on("message", (message: Message) => {
  if (message.kind === "text") console.log(message.content.toUpperCase());
});
await server.pushToRoom("r", "hello");
await server.drop(1012);
const { state } = client;
console.log(state.state === "closed" && state.retry ? state.name : state.state);
client.reconnect();
await server.pushToRoom("r", "again");
await server.drain(1_000);
client.close();
`;

it("@pushcast/client works where it is installed, in either module resolution, and lets the process end", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pushcast-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const options = { cwd: folder, timeout: TIMEOUT_MS };
  await run("npm", ["pack", "--silent", "--pack-destination", folder], {
    ...options,
    cwd: PACKAGE,
  });
  writeFileSync(join(folder, "package.json"), '{"type":"module","private":true}');
  const install = ["install", "--offline", "--no-audit", "--no-fund"];
  await run("npm", [...install, "./pushcast-client-0.1.0.tgz"], options);
  writeFileSync(join(folder, "main.ts"), PROGRAM);
  // Nothing is skipped: also what the package's own types need must be there.
  const strict = ["main.ts", "--strict", "--target", "es2022", "--lib", "es2022,dom"];
  const check = ["--exactOptionalPropertyTypes", "--types", ""];
  const bundler = ["--module", "esnext", "--moduleResolution", "bundler", "--noEmit"];
  await run(TSC, [...strict, ...check, ...bundler], options);
  await run(TSC, [...strict, ...check, "--module", "nodenext"], options);
  const { stdout } = await run(process.execPath, ["main.js"], options);
  expect(stdout.trim().split("\n")).toEqual(["HELLO", "RESTART", "AGAIN"]);
});
