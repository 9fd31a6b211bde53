import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type Clock, isFromOwnMachine, type OpsResponse } from "@pushcast/runtime";
import { CONSOLE_HEADER } from "./messages.ts";

export const CONSOLE_REFUSALS = [
  "ADDRESS_FORBIDDEN",
  "HOST_FORBIDDEN",
  "HEADER_MISSING",
  "ORIGIN_FORBIDDEN",
  "TOKEN_MISSING",
  "TOKEN_INVALID",
  "TOO_MANY_FAILURES",
] as const;

export type ConsoleRefusal = (typeof CONSOLE_REFUSALS)[number];

export interface GateInit {
  /** Undefined: it is open to this machine alone. */
  readonly token: string | undefined;
  /** Wrong tokens of one address in a minute, after which it waits. */
  readonly maxFailures: number;
  readonly clock: Clock;
  onRefused(reason: ConsoleRefusal): void;
}

/** Whoever is refused keeps no connection from probes, from Prometheus and from those let in. */
export const REFUSED_HEADERS = { Connection: "close" } as const;

const MINUTE_MS = 60_000;
/** Addresses whose failures are remembered; the oldest is forgotten first. */
const MAX_ADDRESSES = 1000;
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);
const BEARER = /^bearer +([\x21-\x7e]+)$/i;

const ANSWERS: Readonly<Record<ConsoleRefusal, readonly [status: number, message: string]>> = {
  ADDRESS_FORBIDDEN: [403, "without CONSOLE_TOKEN the console is for this machine alone"],
  HOST_FORBIDDEN: [403, "without CONSOLE_TOKEN the console answers only to localhost"],
  HEADER_MISSING: [403, `the header ${CONSOLE_HEADER} must be set`],
  ORIGIN_FORBIDDEN: [403, "pages of other origins have no access"],
  TOKEN_MISSING: [401, "the header Authorization must be Bearer and the token of CONSOLE_TOKEN"],
  TOKEN_INVALID: [401, "the token is not that of CONSOLE_TOKEN"],
  TOO_MANY_FAILURES: [429, "too many wrong tokens came from this address; wait a minute"],
};

/**
 * Who gets in. With a token, whoever has it. Without one this machine, and by a name of its own only:
 * a site may have its name resolve to 127.0.0.1, and then has the console's origin in the browsers of
 * this machine (DNS rebinding).
 */
export class Gate {
  readonly #init: GateInit;
  readonly #tokenHash: Buffer | undefined;
  readonly #failures = new Map<string, { sinceMs: number; count: number }>();

  constructor(init: GateInit) {
    this.#init = init;
    this.#tokenHash = init.token === undefined ? undefined : sha256(init.token);
  }

  /** For the page itself, which asks for the token: it has no secrets. */
  readonly pageRefusal = (request: IncomingMessage): OpsResponse | undefined =>
    this.#answer(this.#tokenHash === undefined ? localProblem(request) : undefined);

  /** For everything that shows or does something. */
  readonly dataRefusal = (request: IncomingMessage): OpsResponse | undefined => {
    const { headers } = request;
    if (headers[CONSOLE_HEADER] === undefined) return this.#answer("HEADER_MISSING");
    if (isForeign(request)) return this.#answer("ORIGIN_FORBIDDEN");
    return this.#answer(
      this.#tokenHash === undefined
        ? localProblem(request)
        : this.#tokenProblem(request, this.#tokenHash),
    );
  };

  #tokenProblem(
    { headers, socket }: IncomingMessage,
    tokenHash: Buffer,
  ): ConsoleRefusal | undefined {
    const given = BEARER.exec(headers.authorization ?? "")?.[1];
    if (given === undefined) return "TOKEN_MISSING";
    const address = socket.remoteAddress ?? "";
    // Before it is looked at: or it would still tell whether it is right.
    if (this.#failuresOf(address) >= this.#init.maxFailures) return "TOO_MANY_FAILURES";
    // Hashes are of one length, and take the same time wherever they differ.
    if (timingSafeEqual(sha256(given), tokenHash)) return undefined;
    this.#failed(address);
    return "TOKEN_INVALID";
  }

  #failuresOf(address: string): number {
    const failures = this.#failures.get(address);
    if (failures === undefined) return 0;
    if (this.#init.clock.monotonicMs() - failures.sinceMs < MINUTE_MS) return failures.count;
    this.#failures.delete(address);
    return 0;
  }

  #failed(address: string): void {
    const failures = this.#failures.get(address);
    if (failures !== undefined) {
      failures.count += 1;
      return;
    }
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined && this.#failures.size >= MAX_ADDRESSES) this.#failures.delete(oldest);
    this.#failures.set(address, { sinceMs: this.#init.clock.monotonicMs(), count: 1 });
  }

  #answer(refusal: ConsoleRefusal | undefined): OpsResponse | undefined {
    if (refusal === undefined) return undefined;
    this.#init.onRefused(refusal);
    const [status, message] = ANSWERS[refusal];
    return {
      status,
      body: { error: { code: refusal, message } },
      headers: { ...REFUSED_HEADERS, ...(status === 429 ? { "Retry-After": "60" } : {}) },
    };
  }
}

function localProblem(request: IncomingMessage): ConsoleRefusal | undefined {
  if (!isFromOwnMachine(request)) return "ADDRESS_FORBIDDEN";
  const name = request.headers.host?.toLowerCase().replace(/:\d*$/, "") ?? "";
  return LOOPBACK_NAMES.has(name) ? undefined : "HOST_FORBIDDEN";
}

/** Whether a page of another origin asks. Not the scheme: TLS may end before this process. */
function isForeign({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return true;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
