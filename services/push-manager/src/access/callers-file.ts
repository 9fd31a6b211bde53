import { LineCounter, parseDocument } from "yaml";
import { type CallerEntry, Callers, hashToken } from "./callers.ts";
import type { RateLimit } from "./rate.ts";
import { RoomPatterns, RPCS, type Rpc } from "./rights.ts";

const MAX_CALLERS = 1000;
/** Of tokens, certificates and rooms of one caller. */
const MAX_ITEMS = 1000;
const MAX_RATE = 10_000_000;
/** Shorter ones can be guessed. */
const MIN_TOKEN_BYTES = 16;

const KEYS: ReadonlySet<string> = new Set([
  "name",
  "token",
  "token_sha256",
  "certificate",
  "rpcs",
  "rooms",
  "rate",
  "burst",
]);

/**
 * Reads who may push: `{"callers":[…]}` in JSON or YAML.
 * @throws Error that says where the problem is, and never what stands there: it may be a token
 */
export function parseCallers(content: Buffer): Callers {
  const { callers, ...rest } = record(readYaml(content), "the file");
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new Error("the file has more in it than callers");
  const list = items(callers, "callers", MAX_CALLERS);
  if (list.length === 0) throw new Error("callers must not be empty");
  const entries = list.map((caller, index) => parseCaller(caller, `callers[${index}]`));
  refuseShared(entries, "name", ({ name }) => [name]);
  refuseShared(entries, "token", ({ tokenHashes }) =>
    tokenHashes.map((hash) => hash.toString("hex")),
  );
  refuseShared(entries, "certificate", ({ certificates }) => certificates);
  return new Callers(entries);
}

function readYaml(content: Buffer): unknown {
  const lineCounter = new LineCounter();
  // Its own messages quote the file.
  const document = parseDocument(content.toString("utf8"), { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line } = lineCounter.linePos(error.pos[0]);
    throw new Error(`the file is neither JSON nor YAML: ${error.code} in line ${line}`);
  }
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw new Error("the file must have no aliases");
  }
}

function parseCaller(value: unknown, at: string): CallerEntry {
  const fields = record(value, at);
  const unknown = Object.keys(fields).findIndex((key) => !KEYS.has(key));
  if (unknown >= 0) throw new Error(`${at} has an unknown key, the ${unknown + 1}. of its keys`);
  const { name, token, token_sha256, certificate, rpcs, rooms = [], rate, burst } = fields;
  const tokens = texts(token, `${at}.token`).map((text) => readToken(text, `${at}.token`));
  const hashes = texts(token_sha256, `${at}.token_sha256`).map((text) =>
    readHash(text, `${at}.token_sha256`),
  );
  const entry = {
    name: readName(name, `${at}.name`),
    tokenHashes: [...tokens, ...hashes],
    certificates: texts(certificate, `${at}.certificate`),
    rpcs: readRpcs(rpcs, `${at}.rpcs`),
    rooms: new RoomPatterns(texts(rooms, `${at}.rooms`)),
    rate: readRate(rate, burst, at),
  };
  if (entry.tokenHashes.length + entry.certificates.length === 0) {
    throw new Error(`${at} needs a token, a token_sha256 or a certificate`);
  }
  return entry;
}

function readName(value: unknown, at: string): string {
  if (typeof value !== "string" || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(value)) {
    throw new Error(`${at} must be 1 to 63 letters, digits, dots, dashes and underscores`);
  }
  return value;
}

function readToken(text: string, at: string): Buffer {
  if (Buffer.byteLength(text) < MIN_TOKEN_BYTES || !/^[\x21-\x7e]+$/.test(text)) {
    throw new Error(`${at} must be at least ${MIN_TOKEN_BYTES} ASCII characters without spaces`);
  }
  return hashToken(text);
}

function readHash(text: string, at: string): Buffer {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new Error(`${at} must be 64 hex digits`);
  return Buffer.from(text, "hex");
}

function readRpcs(value: unknown, at: string): ReadonlySet<Rpc> {
  const names = texts(value, at);
  if (names.length === 0) throw new Error(`${at} must not be empty`);
  if (names.includes("*")) return new Set(RPCS);
  return new Set(
    names.map((name, index) => {
      const rpc = RPCS.find((known) => known === name);
      if (rpc === undefined) throw new Error(`${at}[${index}] must be * or one of ${RPCS.join()}`);
      return rpc;
    }),
  );
}

function readRate(rate: unknown, burst: unknown, at: string): RateLimit | undefined {
  if (rate === undefined) {
    if (burst !== undefined) throw new Error(`${at}.burst goes with a rate`);
    return undefined;
  }
  const perSecond = readNumber(rate, `${at}.rate`);
  if (burst === undefined) return { perSecond, burst: Math.max(1, perSecond) };
  return { perSecond, burst: Math.max(1, readNumber(burst, `${at}.burst`)) };
}

function readNumber(value: unknown, at: string): number {
  if (typeof value !== "number" || !(value > 0 && value <= MAX_RATE)) {
    throw new Error(`${at} must be a number above 0, at most ${MAX_RATE}`);
  }
  return value;
}

/** One text or several; none where there is nothing. */
function texts(value: unknown, at: string): string[] {
  if (value === undefined) return [];
  const list = Array.isArray(value) ? items(value, at, MAX_ITEMS) : [value];
  return list.map((item, index) => {
    if (typeof item === "string" && item !== "") return item;
    throw new Error(`${at}${Array.isArray(value) ? `[${index}]` : ""} must be a text`);
  });
}

function items(value: unknown, at: string, max: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${at} must be a list`);
  if (value.length > max) throw new Error(`${at} must have at most ${max} entries`);
  return value;
}

function record(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${at} must have keys and values`);
  }
  return value as Record<string, unknown>;
}

/** What identifies a caller must be one caller's. */
function refuseShared(
  entries: readonly CallerEntry[],
  what: string,
  keysOf: (entry: CallerEntry) => readonly string[],
): void {
  const owners = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    for (const key of keysOf(entry)) {
      const owner = owners.get(key);
      if (owner !== undefined) {
        throw new Error(`callers[${owner}] and callers[${index}] have the same ${what}`);
      }
      owners.set(key, index);
    }
  }
}
