import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { CliError } from "../frame/cli-error.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";
import { createPublicFile, createSecretFile, readFile } from "../frame/files.ts";

/** What tokens are signed with, and what a node must be told to take them. */
export interface SigningKey {
  readonly algorithm: string;
  readonly key: KeyObject;
  /** Settings of a connect-node. */
  readonly settings: Readonly<Record<string, string>>;
  /** The public half of the key is not in the file that the settings name. */
  readonly lacksPublicFile: boolean;
  /** Files that were made for it. */
  readonly created: readonly string[];
  /** Others than its owner may read the file. */
  readonly isReadByOthers: boolean;
}

/** As nodes demand it of HS256. */
const MIN_SECRET_BYTES = 32;

const CURVE_ALGORITHMS: Readonly<Record<string, string>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};

const HINT_CREATE = "With --create it is made.";

/**
 * A secret for HS256, in the form that JWT_SECRET_FILE has.
 * @param create makes the file where there is none
 * @throws CliError
 */
export function openSecret(path: string, create: boolean): SigningKey {
  const isNew = create && !existsSync(path);
  if (isNew) createSecretFile(path, "--secret-file", `${randomBytes(32).toString("hex")}\n`);
  const bytes = readFile(path, "--secret-file", HINT_CREATE);
  // A line's end after it does not belong to it, on the nodes either.
  const end = /\r?\n$/.exec(bytes.toString("latin1"))?.index ?? bytes.byteLength;
  if (end < MIN_SECRET_BYTES) {
    throw badKey(
      `the secret in ${path} has ${end} bytes, and must have ${MIN_SECRET_BYTES}`,
      `Name a file that is not there yet: ${HINT_CREATE.toLowerCase()}`,
    );
  }
  return {
    algorithm: "HS256",
    key: createSecretKey(bytes.subarray(0, end)),
    settings: { AUTH_MODE: "jwt", JWT_SECRET_FILE: resolve(path) },
    lacksPublicFile: false,
    created: isNew ? [path] : [],
    isReadByOthers: isReadByOthers(path),
  };
}

/**
 * A private key as PEM; its public half, for JWT_PUBLIC_KEY_FILE, stands beside it.
 * @param create makes both, on the curve P-256, where there is none
 * @throws CliError
 */
export function openPrivateKey(path: string, create: boolean): SigningKey {
  const publicPath = publicPathOf(path);
  const created: string[] = [];
  if (create && !existsSync(path)) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
    createSecretFile(path, "--private-key-file", pem);
    created.push(path);
  }
  const key = readPrivateKey(path);
  if (create && !existsSync(publicPath)) {
    const pem = createPublicKey(key).export({ format: "pem", type: "spki" }).toString();
    createPublicFile(publicPath, "--private-key-file", pem);
    created.push(publicPath);
  }
  return {
    algorithm: algorithmOf(key, path),
    key,
    settings: { AUTH_MODE: "jwt", JWT_PUBLIC_KEY_FILE: resolve(publicPath) },
    lacksPublicFile: !existsSync(publicPath),
    created,
    isReadByOthers: isReadByOthers(path),
  };
}

/** `keys/dev.pem` has its public half in `keys/dev.pub.pem`. */
function publicPathOf(path: string): string {
  return `${path.replace(/\.pem$/, "")}.pub.pem`;
}

function readPrivateKey(path: string): KeyObject {
  const bytes = readFile(path, "--private-key-file", HINT_CREATE);
  try {
    return createPrivateKey(bytes);
  } catch (cause) {
    throw badKey(
      `${path} (--private-key-file) has no private key as PEM without a password`,
      "For a shared secret use --secret-file.",
      cause,
    );
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, path: string): string {
  const curve = CURVE_ALGORITHMS[asymmetricKeyDetails?.namedCurve ?? ""];
  if (asymmetricKeyType === "ec" && curve !== undefined) return curve;
  if (asymmetricKeyType === "ed25519") return "EdDSA";
  if (asymmetricKeyType === "rsa") return "RS256";
  throw badKey(
    `nodes take no tokens of the kind of key in ${path}`,
    "They take EC keys on P-256, P-384 and P-521, Ed25519 and RSA.",
  );
}

function isReadByOthers(path: string): boolean {
  return process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0;
}

function badKey(message: string, hint: string, cause?: unknown): CliError {
  return new CliError({ code: "KEY_INVALID", message, hint, exitCode: EXIT_CODES.data, cause });
}
