import { ManualClock } from "@pushcast/runtime";
import { errors } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { JwksServer } from "../../test/jwks-server.ts";
import { silentLogger } from "../../test/stage.ts";
import { newKeyPair } from "../../test/tokens.ts";
import { JwksUrl } from "./jwks-url.ts";
import { KeysUnavailable } from "./token-keys.ts";

const [one, two] = [newKeyPair("one"), newKeyPair("two")];
const REFRESH_MS = 300_000;
const COOLDOWN_MS = 10_000;
const TIMEOUT_MS = 5_000;

let issuer: JwksServer;
let clock: ManualClock;
let failures: number;
let keys: JwksUrl;

beforeEach(async () => {
  issuer = await new JwksServer().start();
  issuer.body = { keys: [one.jwk] };
  clock = new ManualClock();
  failures = 0;
  keys = new JwksUrl({
    url: issuer.url,
    refreshMs: REFRESH_MS,
    cooldownMs: COOLDOWN_MS,
    timeoutMs: TIMEOUT_MS,
    clock,
    logger: silentLogger,
    onFailure: () => {
      failures += 1;
    },
  });
});

afterEach(async () => {
  keys.stop();
  await issuer.stop();
});

/** The key of a token that names it. */
function find(kid: string) {
  const token = { protected: "", payload: "", signature: "" };
  return keys.find({ alg: "ES256", kid }, token);
}

/** Waits for what a read that has been begun comes to. */
async function untilRead(): Promise<void> {
  await find("none").catch(() => {});
}

test("is read once for all that ask as it starts, and then no more for keys that are known", async () => {
  await keys.start();
  await Promise.all(Array.from({ length: 50 }, () => find("one")));
  clock.advance(COOLDOWN_MS * 2);
  await find("one");
  expect(issuer.requests).toBe(1);
});

test("is read again for a key that is not known, and not again before the cool-down is over", async () => {
  await keys.start();
  await find("one");
  issuer.body = { keys: [one.jwk, two.jwk] };
  await expect(find("two")).rejects.toThrow(errors.JWKSNoMatchingKey);
  expect(issuer.requests).toBe(1);
  clock.advance(COOLDOWN_MS);
  await Promise.all(Array.from({ length: 50 }, () => find("two")));
  await expect(find("three")).rejects.toThrow(errors.JWKSNoMatchingKey);
  expect(issuer.requests).toBe(2);
});

test("no longer has a key that the issuer took out, after the next read", async () => {
  await keys.start();
  await find("one");
  issuer.body = { keys: [two.jwk] };
  clock.advance(REFRESH_MS);
  await untilRead();
  await expect(find("one")).rejects.toThrow(errors.JWKSNoMatchingKey);
  await find("two");
});

test("keeps the keys that are known through an outage, and says of others that it cannot tell", async () => {
  await keys.start();
  await find("one");
  await issuer.stop();
  for (let reads = 0; reads < 3; reads += 1) {
    clock.advance(REFRESH_MS);
    await untilRead();
  }
  expect(failures).toBe(3);
  await find("one");
  await expect(find("two")).rejects.toThrow(KeysUnavailable);
  await issuer.start();
  issuer.body = { keys: [one.jwk, two.jwk] };
  clock.advance(COOLDOWN_MS);
  await find("two");
});

test("starts without its issuer, and has its keys when that is there", async () => {
  await issuer.stop();
  await keys.start();
  await expect(find("one")).rejects.toThrow(KeysUnavailable);
  await issuer.start();
  clock.advance(COOLDOWN_MS);
  await find("one");
});

test("gives up an issuer that does not answer in time, and lets all that wait for it go", async () => {
  issuer.hangs = true;
  const asked = issuer.request();
  await keys.start();
  const waiting = [find("one"), find("one")];
  const refused = Promise.all(
    waiting.map((found) => expect(found).rejects.toThrow(KeysUnavailable)),
  );
  await asked;
  clock.advance(TIMEOUT_MS);
  await refused;
  expect([issuer.requests, failures]).toEqual([1, 1]);
});

test.each([
  ["an error", 500, { keys: [one.jwk] }],
  ["no JSON", 200, "<html>"],
  ["no set", 200, []],
  ["an empty set", 200, { keys: [] }],
  ["only a secret", 200, { keys: [{ kty: "oct", k: "c2VjcmV0", kid: "one" }] }],
  ["a private key", 200, { keys: [{ ...one.jwk, d: "AA" }] }],
  ["only keys for encryption", 200, { keys: [{ ...two.jwk, use: "enc" }] }],
  ["too much", 200, { keys: [two.jwk], pad: "x".repeat(1024 ** 2) }],
])("takes %s for an outage, and keeps the keys that it has", async (_what, status, body) => {
  await keys.start();
  await find("one");
  Object.assign(issuer, { status, body });
  clock.advance(REFRESH_MS);
  await untilRead();
  expect(failures).toBe(1);
  await find("one");
});

test("never has a key for an algorithm of secrets, or of another kind of key", async () => {
  await keys.start();
  const token = { protected: "", payload: "", signature: "" };
  for (const alg of ["HS256", "RS256", "none"]) {
    await expect(keys.find({ alg, kid: "one" }, token)).rejects.toThrow();
  }
});
