import type { HttpErrorCode } from "@pushcast/wire";
import type { Handshake } from "../handshake.ts";
import { type Identity, identityWithoutToken } from "../identity.ts";
import type { TokenVerifier } from "./token-verifier.ts";

/** Why nobody is let in. */
export interface HandshakeRefusal {
  readonly code: HttpErrorCode;
  readonly message?: string;
  readonly retryAfterSeconds?: number;
}

/** Says who a handshake is from. */
export interface Authenticator {
  /** Why it is refused, as far as that costs little: asked before the handshake counts. */
  refuse(handshake: Handshake): HandshakeRefusal | undefined;
  /** Asked of those that are not refused. Never rejects. */
  identify(
    handshake: Handshake,
  ): Identity | HandshakeRefusal | Promise<Identity | HandshakeRefusal>;
}

/** Everybody is who they say: `AUTH_MODE=none`. */
export const believing: Authenticator = {
  refuse: ({ userId }) =>
    userId === undefined ? { code: "USER_INVALID", message: "user_id is missing" } : undefined,
  identify: ({ userId = "" }) => identityWithoutToken(userId),
};

/** Everybody is who their token says: `AUTH_MODE=jwt`. */
export class TokenAuthenticator implements Authenticator {
  readonly #verifier: TokenVerifier;

  constructor(verifier: TokenVerifier) {
    this.#verifier = verifier;
  }

  refuse({ tokens }: Handshake): HandshakeRefusal | undefined {
    const [token, other] = tokens;
    if (token === undefined) return { code: "TOKEN_MISSING" };
    if (other !== undefined) return { code: "TOKEN_AMBIGUOUS" };
    return this.#verifier.refuseUnverified(token);
  }

  async identify({ tokens, userId }: Handshake): Promise<Identity | HandshakeRefusal> {
    const [token = ""] = tokens;
    const verified = await this.#verifier.verify(token);
    if ("code" in verified) return verified;
    return userId === undefined || userId === verified.userId
      ? verified
      : { code: "USER_INVALID", message: "user_id is not the token's user" };
  }
}
