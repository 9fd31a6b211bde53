import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { createLocalJWKSet, type JWK } from "jose";
import type { KeySet } from "./token-keys.ts";

/** The text of a key is not usable; the message says why, and shows nothing of it. */
export class KeyFormatError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = "KeyFormatError";
  }
}

const RSA_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const CURVE_ALGORITHMS: Readonly<Record<string, string>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};
const ED25519_ALGORITHMS = ["EdDSA", "Ed25519"];

/** All with which tokens may be signed whose keys are public. */
export const PUBLIC_KEY_ALGORITHMS: readonly string[] = [
  ...RSA_ALGORITHMS,
  ...Object.values(CURVE_ALGORITHMS),
  ...ED25519_ALGORITHMS,
];

/** RFC 7518 §3.2: at least as long as the hash. */
const MIN_SECRET_BYTES = 32;
/** RFC 7518 §3.3. */
const MIN_RSA_BITS = 2048;

/** A secret for HS256. @throws KeyFormatError */
export function readSecret(bytes: Buffer): KeySet {
  const end = /\r?\n$/.exec(bytes.toString("latin1"))?.index ?? bytes.byteLength;
  if (end < MIN_SECRET_BYTES) {
    throw new KeyFormatError(`the secret has ${end} bytes, and must have ${MIN_SECRET_BYTES}`);
  }
  const key = createSecretKey(bytes.subarray(0, end));
  return { algorithms: ["HS256"], find: async () => key };
}

/** A public key as PEM or JWK, or a JWK set. @throws KeyFormatError */
export function readPublicKeys(bytes: Buffer): KeySet {
  const text = bytes.toString().trim();
  if (text.startsWith("{")) {
    const json = parseJson(text);
    return "keys" in json ? readJwks(json) : readJwk(json as JsonWebKey);
  }
  // Node would take the public half of it: the private one has no business on a node.
  if (text.includes("PRIVATE KEY")) throw new KeyFormatError("a private key, not a public one");
  return single(publicKey(text));
}

/**
 * A JWK set, RFC 7517 §5: keys that are not for signatures, too weak or of kinds that are not known are
 * left out.
 * @throws KeyFormatError, also where no key is left
 */
export function readJwks(json: object): KeySet {
  const given: unknown = "keys" in json ? json.keys : undefined;
  if (!Array.isArray(given)) throw new KeyFormatError("not a JWK set");
  const algorithms = new Set<string>();
  const keys = given.filter((jwk: JsonWebKey) => {
    try {
      for (const algorithm of readJwk(jwk).algorithms) algorithms.add(algorithm);
      return true;
    } catch {
      return false;
    }
  });
  if (keys.length === 0) throw new KeyFormatError("a JWK set without a usable key");
  return { algorithms: [...algorithms], find: createLocalJWKSet({ keys: keys as JWK[] }) };
}

/** @throws KeyFormatError */
export function parseJson(text: string): object {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new KeyFormatError("not JSON");
  }
  if (typeof json !== "object" || json === null) throw new KeyFormatError("not a JSON object");
  return json;
}

function readJwk(jwk: JsonWebKey): KeySet {
  if (jwk.d !== undefined) throw new KeyFormatError("a private key, not a public one");
  if (jwk.use !== undefined && jwk.use !== "sig") throw new KeyFormatError("not for signatures");
  const keySet = single(publicKey({ key: jwk, format: "jwk" }));
  if (jwk.alg === undefined) return keySet;
  const algorithms = keySet.algorithms.filter((algorithm) => algorithm === jwk.alg);
  if (algorithms.length === 0) throw new KeyFormatError("its alg does not fit the key");
  return { ...keySet, algorithms };
}

function publicKey(key: Parameters<typeof createPublicKey>[0]): KeyObject {
  try {
    return createPublicKey(key);
  } catch {
    throw new KeyFormatError("not a public key as PEM, as a JWK or as a JWK set");
  }
}

function single(key: KeyObject): KeySet {
  return { algorithms: algorithmsFor(key), find: async () => key };
}

function algorithmsFor({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] {
  const { namedCurve = "", modulusLength = 0 } = asymmetricKeyDetails ?? {};
  const curveAlgorithm = CURVE_ALGORITHMS[namedCurve];
  if (asymmetricKeyType === "ec" && curveAlgorithm !== undefined) return [curveAlgorithm];
  if (asymmetricKeyType === "ed25519") return ED25519_ALGORITHMS;
  if (asymmetricKeyType !== "rsa") {
    throw new KeyFormatError(
      "not a key of RSA, Ed25519 or one of the curves P-256, P-384 and P-521",
    );
  }
  if (modulusLength < MIN_RSA_BITS) {
    throw new KeyFormatError(`an RSA key of ${modulusLength} bits, and must have ${MIN_RSA_BITS}`);
  }
  return RSA_ALGORITHMS;
}
