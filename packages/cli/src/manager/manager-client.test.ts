import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readArguments } from "../frame/read-arguments.ts";
import { readClientOptions } from "./manager-client.ts";
import { managerOptions } from "./manager-options.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pushcast-options-"));
  writeFileSync(join(folder, "token"), "secret-token\n");
  writeFileSync(join(folder, "cert"), "-----BEGIN CERTIFICATE-----\n");
  writeFileSync(join(folder, "key"), "-----BEGIN PRIVATE KEY-----\n");
});

afterAll(() => rmSync(folder, { recursive: true }));

/** `@name` is that file in the folder. */
function read(line: string, tokenOfEnv?: string) {
  const args = line.split(" ").filter((arg) => arg !== "");
  const withPaths = args.map((arg) => arg.replace("@", `${folder}/`));
  return readClientOptions(readArguments(withPaths, managerOptions, {}).options, tokenOfEnv);
}

test("without options it is this machine, in plain text, asked once", () => {
  expect(read("")).toEqual({
    address: "localhost:50051",
    deadlineMs: 5_000,
    attemptMs: 5_000,
    maxAttempts: 1,
  });
});

test.each(["--tls", "--ca @cert", "--cert @cert --key @key", "--server-name a"])(
  "%s is TLS",
  (line) => {
    expect(read(line).tls).toBeDefined();
  },
);

test("certificates, key and name are those of the files", () => {
  const { tls } = read("--ca @cert --cert @cert --key @key --server-name push-manager");
  expect(tls).toEqual({
    ca: Buffer.from("-----BEGIN CERTIFICATE-----\n"),
    cert: Buffer.from("-----BEGIN CERTIFICATE-----\n"),
    key: Buffer.from("-----BEGIN PRIVATE KEY-----\n"),
    serverName: "push-manager",
  });
});

test("the token is that of the file, else of the environment", () => {
  expect(read("--token-file @token", "of-env").token).toBe("secret-token");
  expect(read("", " of-env\n").token).toBe("of-env");
  expect(read("", "")).not.toHaveProperty("token");
});

describe("a token goes in plain text", () => {
  test.each(["localhost:1", "127.0.0.1:1", "127.9.9.9:1", "[::1]:1"])("to %s", (address) => {
    expect(read(`--manager ${address}`, "t").token).toBe("t");
  });

  test.each([
    "10.0.0.1:1",
    "example.com:1",
    "localhost.example.com:1",
    "[fd00::1]:1",
    "dns:///a:1",
  ])("not to %s, but where that is meant, or in TLS", (address) => {
    expect(() => read(`--manager ${address}`, "t")).toThrow("in plain text");
    expect(read(`--manager ${address} --insecure-token`, "t").token).toBe("t");
    expect(read(`--manager ${address} --tls`, "t").token).toBe("t");
  });
});

test.each([
  ["--manager localhost", "is HOST:PORT"],
  ["--manager localhost:99999", "is HOST:PORT"],
  ["--manager http://localhost:50051", "is HOST:PORT"],
  ["--cert @cert", "--cert and --key belong together"],
  ["--key @key", "--cert and --key belong together"],
  ["--ca @key", "(--ca) has no certificate as PEM"],
  ["--cert @cert --key @cert", "(--key) has no private key as PEM"],
  ["--ca @absent", "(--ca): there is no such file"],
])("%s is refused", (line, message) => {
  expect(() => read(line)).toThrow(message);
});

test("a token that is none is not shown", () => {
  expect(() => read("", "two words")).toThrow("there is no token in PUSHCAST_TOKEN");
  expect(() => read("--token-file @key")).toThrow(/there is no token in \S+key \(--token-file\)$/);
});
