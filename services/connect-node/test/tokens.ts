import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JWK, type JWTPayload, SignJWT } from "jose";

/** What one issuer signs with: a secret, or a pair of keys. */
export interface SigningKey {
  readonly algorithm: string;
  readonly kid?: string;
  readonly key: KeyObject | Uint8Array;
}

export function newSecret(): SigningKey & { readonly text: string } {
  const text = randomBytes(32).toString("hex");
  return { algorithm: "HS256", key: Buffer.from(text), text };
}

/** A pair of keys on P-256, and its public half as a member of a JWK set and as PEM. */
export function newKeyPair(kid: string): SigningKey & { readonly jwk: JWK; readonly pem: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid, use: "sig" } as JWK;
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  return { algorithm: "ES256", kid, key: privateKey, jwk, pem };
}

/**
 * A token of a user that was issued at `nowMs` and lives for an hour, but for the claims given; a claim
 * that is undefined is left out.
 */
export async function token(
  { algorithm, kid, key }: SigningKey,
  nowMs: number,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const iat = Math.floor(nowMs / 1000);
  const all = { sub: "ann", iat, exp: iat + 3600, ...claims };
  const payload = JSON.parse(JSON.stringify(all)) as JWTPayload;
  const header = { alg: algorithm, ...(kid === undefined ? {} : { kid }) };
  return await new SignJWT(payload).setProtectedHeader(header).sign(key);
}

/** A file of the test's own, that can be written again. */
export class TestFile {
  readonly path: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "pushcast-"));

  constructor(content: string) {
    this.path = join(this.#folder, "file");
    this.write(content);
  }

  write(content: string): void {
    writeFileSync(this.path, content);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
