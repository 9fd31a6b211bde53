import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { KeyFormatError, readPublicKeys, readSecret } from "./key-formats.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-384" });
const ed = generateKeyPairSync("ed25519");
const RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const EDDSA = ["EdDSA", "Ed25519"];

const pem = (key: KeyObject) => key.export({ format: "pem", type: "spki" }).toString();
const jwk = (key: KeyObject) => key.export({ format: "jwk" });
const read = (value: string | object) =>
  readPublicKeys(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));

describe("a public key", () => {
  test.each([
    ["RSA as PEM", pem(rsa.publicKey), RSA],
    ["P-384 as PEM", `\n${pem(ec.publicKey)}\n`, ["ES384"]],
    ["Ed25519 as PEM", pem(ed.publicKey), EDDSA],
    ["RSA as a JWK", jwk(rsa.publicKey), RSA],
    ["RSA as a JWK with an alg", { ...jwk(rsa.publicKey), alg: "PS256" }, ["PS256"]],
    ["a set", { keys: [jwk(ec.publicKey), jwk(ed.publicKey)] }, ["ES384", ...EDDSA]],
    ["a set with others", { keys: [{ kty: "oct", k: "AA" }, jwk(ec.publicKey), 7] }, ["ES384"]],
  ])("%s allows only what fits it", (_what, value, algorithms) => {
    expect(read(value).algorithms).toEqual(algorithms);
  });

  test.each([
    ["nothing", ""],
    ["a secret", "not a key"],
    ["half a PEM", pem(rsa.publicKey).slice(0, 100)],
    ["a private key", rsa.privateKey.export({ format: "pem", type: "pkcs8" }).toString()],
    ["a private JWK", jwk(ec.privateKey)],
    ["a secret as a JWK", { kty: "oct", k: "c2VjcmV0" }],
    ["JSON that ends early", "{"],
    ["an encryption key", { ...jwk(rsa.publicKey), use: "enc" }],
    ["an alg of another kind", { ...jwk(rsa.publicKey), alg: "ES256" }],
    ["the alg of secrets", { ...jwk(rsa.publicKey), alg: "HS256" }],
    ["a short RSA key", pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey)],
    ["a key for X25519", pem(generateKeyPairSync("x25519").publicKey)],
    ["an unknown curve", pem(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey)],
    ["an empty set", { keys: [] }],
  ])("is not %s", (_what, value) => {
    expect(() => read(value)).toThrow(KeyFormatError);
  });
});

describe("a secret", () => {
  const SECRET = "s".repeat(32);

  test.each([SECRET, `${SECRET}\n`, `${SECRET}\r\n`])("%j is for HS256 only", async (text) => {
    const { algorithms, find } = readSecret(Buffer.from(text));
    expect(algorithms).toEqual(["HS256"]);
    const key = (await find({ alg: "HS256" }, { payload: "", signature: "" })) as KeyObject;
    expect(key.export().toString()).toBe(SECRET);
  });

  test.each(["", "\n", "s".repeat(31), `${"s".repeat(31)}\n`])("%j is too short", (text) => {
    expect(() => readSecret(Buffer.from(text))).toThrow(KeyFormatError);
  });
});
