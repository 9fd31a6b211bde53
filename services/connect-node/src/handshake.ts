import type { IncomingMessage } from "node:http";
import {
  type Codec,
  type HttpErrorCode,
  idProblem,
  selectSubprotocol,
  TOKEN_PREFIX,
} from "@pushcast/wire";

export const PATH = "/ws";

/** What a client's upgrade request asks for. */
export interface Handshake {
  /** Who it says that it is: `?user_id=`. */
  readonly userId: string | undefined;
  /** Those that it carries, each once, wherever it has them. Nothing is known of them yet. */
  readonly tokens: readonly string[];
  readonly codec: Codec;
  /** It will resume *self*. */
  readonly resumes: boolean;
}

export type CheckedHandshake =
  | { readonly ok: true; readonly handshake: Handshake }
  | { readonly ok: false; readonly code: HttpErrorCode; readonly message?: string };

/** RFC 6455 §4.1: 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** A list of tokens, RFC 9110 §5.6.2. */
const PROTOCOLS = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:\s*,\s*[!#$%&'*+\-.^_`|~0-9A-Za-z]+)*$/;

/**
 * Reads an upgrade request. Who it is from is not judged here.
 * @param allowedOrigins of the pages that may connect; undefined for any. What is no browser sends none.
 */
export function checkHandshake(
  { method, url = "/", headers }: IncomingMessage,
  allowedOrigins?: ReadonlySet<string>,
): CheckedHandshake {
  const [path, query = ""] = split(url, "?");
  if (path !== PATH) return { ok: false, code: "NOT_FOUND" };
  if (method !== "GET") return { ok: false, code: "METHOD_NOT_ALLOWED" };
  if (headers.upgrade?.toLowerCase() !== "websocket" || headers["sec-websocket-version"] !== "13") {
    return { ok: false, code: "UPGRADE_REQUIRED" };
  }
  if (!KEY.test(headers["sec-websocket-key"] ?? ""))
    return { ok: false, code: "HANDSHAKE_INVALID" };
  const { origin } = headers;
  if (origin !== undefined && allowedOrigins?.has(origin) === false) {
    return { ok: false, code: "ORIGIN_FORBIDDEN" };
  }
  const offered = headers["sec-websocket-protocol"];
  if (offered !== undefined && !PROTOCOLS.test(offered)) {
    return { ok: false, code: "SUBPROTOCOL_UNKNOWN", message: "Sec-WebSocket-Protocol is no list" };
  }
  const entries = offered?.split(/\s*,\s*/) ?? [];
  if (new Set(entries).size < entries.length) {
    return { ok: false, code: "SUBPROTOCOL_UNKNOWN", message: "an entry is there twice" };
  }
  const selected = selectSubprotocol(entries);
  if (selected === undefined) return { ok: false, code: "SUBPROTOCOL_UNKNOWN" };
  const parameters = readQuery(query);
  if (parameters === undefined) return { ok: false, code: "QUERY_INVALID" };
  const resume = parameters.get("resume");
  if (resume !== undefined && resume !== "0" && resume !== "1") {
    return { ok: false, code: "QUERY_INVALID", message: "resume must be 0 or 1" };
  }
  const userId = parameters.get("user_id");
  const problem = userId === undefined ? undefined : idProblem(userId);
  if (problem !== undefined) {
    return { ok: false, code: "USER_INVALID", message: `user_id ${problem}` };
  }
  const tokens = new Set([
    ...bearerTokens(headers.authorization),
    ...entries.filter(isToken).map((entry) => entry.slice(TOKEN_PREFIX.length)),
    parameters.get("access_token") ?? "",
  ]);
  tokens.delete("");
  const resumes = resume === "1";
  return { ok: true, handshake: { userId, tokens: [...tokens], codec: selected.codec, resumes } };
}

function isToken(entry: string): boolean {
  return entry.startsWith(TOKEN_PREFIX);
}

/** What stands behind `Bearer` (RFC 6750 §2.1), also if it is no token. Other schemes are not ours. */
function bearerTokens(authorization = ""): string[] {
  const [, token] = /^bearer +(.*)$/i.exec(authorization) ?? [];
  return token === undefined ? [] : [token.trim()];
}

/** Undefined if it is not well-formed, not UTF-8, or says something twice. */
function readQuery(query: string): Map<string, string> | undefined {
  const parameters = new Map<string, string>();
  try {
    for (const part of query.split("&")) {
      if (part === "") continue;
      const [name, value = ""] = split(part.replaceAll("+", " "), "=").map(decodeURIComponent);
      if (name === undefined || parameters.has(name)) return undefined;
      parameters.set(name, value);
    }
  } catch {
    return undefined;
  }
  return parameters;
}

/** At the first separator. */
function split(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
