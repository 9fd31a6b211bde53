import { type Metadata, status } from "@grpc/grpc-js";
import { type CallGuard, type Clock, type IncomingCall, RpcError } from "@pushcast/runtime";
import { type CallerEntry, type Callers, hashToken } from "./callers.ts";
import { Rate } from "./rate.ts";
import { missingRight, RoomPatterns, RPCS, type Rpc } from "./rights.ts";

/** What came of a caller's request, as it stands in metrics. */
export const CALL_OUTCOMES = [
  "ALLOWED",
  "RPC_FORBIDDEN",
  "ROOM_FORBIDDEN",
  "RATE_LIMITED",
] as const;

export type CallOutcome = (typeof CALL_OUTCOMES)[number];

/** Whoever made a call, for as long as that lasts. */
export interface Caller {
  /**
   * Why it is not served, if so, by the rights that it has now. One that is served counts for its rate.
   * @param roomId empty where none is named
   */
  refusal(rpc: Rpc, roomId: string): RpcError | undefined;
  /** The idempotency key by which its pushes are known everywhere: the same key of another caller is another. */
  ownKey(idempotencyKey: string): string;
}

export interface PushAccessInit {
  /** How callers say who they are. */
  readonly mode: "token" | "mtls";
  /** Of the file as it is now: another object when it has changed. */
  readonly callers: () => Callers;
  readonly clock: Clock;
  /** A request of a known caller was judged. */
  readonly onJudged: (name: string, outcome: CallOutcome) => void;
  /** A call was refused because nobody known made it. */
  readonly onStranger: (code: string) => void;
}

/** Finds the entry of whoever made a call, in any version of the file. */
type Credential = (callers: Callers) => CallerEntry | undefined;

const BEARER = /^bearer +([\x21-\x7e]+)$/i;

const TOKEN_MISSING = new RpcError(
  status.UNAUTHENTICATED,
  "TOKEN_MISSING",
  "metadata must have one authorization: Bearer <token>",
);
const TOKEN_INVALID = new RpcError(
  status.UNAUTHENTICATED,
  "TOKEN_INVALID",
  "the token is not known",
);
const CERTIFICATE_MISSING = new RpcError(
  status.UNAUTHENTICATED,
  "CERTIFICATE_MISSING",
  "a client certificate of the CA is needed",
);
const CERTIFICATE_UNKNOWN = new RpcError(
  status.UNAUTHENTICATED,
  "CERTIFICATE_UNKNOWN",
  "the client certificate has no name that is known, or those of several callers",
);
const RATE_LIMITED = new RpcError(
  status.RESOURCE_EXHAUSTED,
  "RATE_LIMITED",
  "this caller's rate is used up; call again a little later",
);

/** Who may push: every call but those of health is somebody's, and what it may do is judged by the file. */
export class PushAccess {
  readonly #init: PushAccessInit;
  /** A new version of the file begins anew. */
  readonly #rates = new WeakMap<CallerEntry, Rate>();
  readonly #callers = new WeakMap<Metadata, Caller>();
  readonly #strangerError: RpcError;

  constructor(init: PushAccessInit) {
    this.#init = init;
    this.#strangerError = init.mode === "token" ? TOKEN_INVALID : CERTIFICATE_UNKNOWN;
  }

  /** Lets in whoever the file knows. */
  readonly guard: CallGuard = (call) => {
    const credential = this.#credentialOf(call);
    const error =
      credential instanceof RpcError
        ? credential
        : credential(this.#init.callers()) === undefined
          ? this.#strangerError
          : undefined;
    if (error !== undefined) this.#init.onStranger(error.pushcastCode);
    else this.#callers.set(call.metadata, this.#caller(credential as Credential));
    return error;
  };

  /** Whoever made the call, which the guard let in. @param metadata of the call */
  callerOf(metadata: Metadata): Caller {
    return this.#callers.get(metadata) ?? NOBODY;
  }

  /** Who pushes by the console: the caller of that name in the file, else one that may do everything. */
  get console(): Caller {
    return this.#caller((callers) => callers.withName(CONSOLE.name) ?? CONSOLE);
  }

  #credentialOf({ metadata, peer }: IncomingCall): Credential | RpcError {
    if (this.#init.mode === "mtls") {
      if (peer === undefined) return CERTIFICATE_MISSING;
      return (callers) => callers.withCertificate(peer);
    }
    const [header, ...others] = metadata.get("authorization");
    const token = typeof header === "string" ? BEARER.exec(header)?.[1] : undefined;
    if (token === undefined || others.length > 0) return TOKEN_MISSING;
    const tokenHash = hashToken(token);
    return (callers) => callers.withToken(tokenHash);
  }

  #caller(credential: Credential): Caller {
    const { callers, onJudged, onStranger } = this.#init;
    let version = callers();
    let entry = credential(version);
    return {
      // No name has a colon in it.
      ownKey: (idempotencyKey) => `${entry?.name ?? ""}:${idempotencyKey}`,
      refusal: (rpc, roomId) => {
        const current = callers();
        if (current !== version) {
          version = current;
          entry = credential(current);
        }
        if (entry === undefined) {
          onStranger(this.#strangerError.pushcastCode);
          return this.#strangerError;
        }
        const { name } = entry;
        const missing = missingRight(entry, rpc, roomId);
        if (missing !== undefined) {
          onJudged(name, missing);
          return FORBIDDEN[missing](name, rpc);
        }
        if (this.#rateOf(entry)?.take() === false) {
          onJudged(name, "RATE_LIMITED");
          return RATE_LIMITED;
        }
        onJudged(name, "ALLOWED");
        return undefined;
      },
    };
  }

  #rateOf(entry: CallerEntry): Rate | undefined {
    if (entry.rate === undefined) return undefined;
    let rate = this.#rates.get(entry);
    if (rate === undefined) {
      rate = new Rate(entry.rate, this.#init.clock);
      this.#rates.set(entry, rate);
    }
    return rate;
  }
}

export const CONSOLE: CallerEntry = {
  name: "console",
  tokenHashes: [],
  certificates: [],
  rpcs: new Set(RPCS),
  rooms: new RoomPatterns(["*"]),
  rate: undefined,
};

const FORBIDDEN = {
  RPC_FORBIDDEN: (name: string, rpc: Rpc) =>
    new RpcError(status.PERMISSION_DENIED, "RPC_FORBIDDEN", `${name} may not call ${rpc}`),
  ROOM_FORBIDDEN: (name: string, rpc: Rpc) =>
    new RpcError(
      status.PERMISSION_DENIED,
      "ROOM_FORBIDDEN",
      `${name} may not call ${rpc} for this room`,
    ),
};

/** Of a call that no guard has let in. */
const NOBODY: Caller = { refusal: () => TOKEN_MISSING, ownKey: (key) => key };

/** With PUSH_AUTH=none. */
export const ANYBODY: Caller = { refusal: () => undefined, ownKey: (key) => key };
