import type { Identity } from "../identity.ts";
import type { AuthzAnswer, RoomAuthz } from "./room-authz.ts";
import { claimsAllow } from "./room-claims.ts";
import type { Tickets } from "./tickets.ts";

/** What a client asks to join by. */
export interface JoinRequest {
  readonly identity: Identity;
  readonly room: string;
  readonly ticket: string | undefined;
  /** It is in the room already. */
  readonly isMember: boolean;
}

/** Why a join was refused; the metrics' words. */
export const JOIN_REFUSALS = [
  "claims",
  "ticket_invalid",
  "ticket_expired",
  "ticket_recalled",
  "authz_denied",
  "authz_unavailable",
] as const;

export type JoinRefusal = (typeof JOIN_REFUSALS)[number];

export type JoinJudgement =
  | {
      readonly allowed: true;
      /** By nothing else: with a newer token that does not, the session has to leave. */
      readonly byToken: boolean;
      /** To join again by; only where it has joined by one. */
      readonly ticket: string | undefined;
    }
  | { readonly allowed: false; readonly reason: JoinRefusal };

export interface RoomRightsInit {
  /** Every room may be joined: `AUTH_MODE=none`. */
  open: boolean;
  tickets: Tickets;
  /** Without `AUTHZ_URL` nobody is asked. */
  authz: RoomAuthz | undefined;
}

/** Who may join which room: by the token, by a ticket, by the biz-server's word; else not. */
export class RoomRights {
  readonly #open: boolean;
  readonly #tickets: Tickets;
  readonly #authz: RoomAuthz | undefined;

  constructor(init: RoomRightsInit) {
    this.#open = init.open;
    this.#tickets = init.tickets;
    this.#authz = init.authz;
  }

  /** At once, or when the biz-server has answered; it never rejects. */
  judge({ identity, room, ticket, isMember }: JoinRequest): JoinJudgement | Promise<JoinJudgement> {
    const { userId } = identity;
    const shown = ticket === undefined ? undefined : this.#tickets.check(ticket, userId, room);
    if (shown === "valid") return allowed({ ticket: this.#tickets.give(userId, room) });
    if (this.#open || isMember) return allowed();
    if (claimsAllow(identity, room)) return allowed({ byToken: true });
    if (this.#authz === undefined) {
      return { allowed: false, reason: shown === undefined ? "claims" : `ticket_${shown}` };
    }
    const answer = this.#authz.ask({ userId, room });
    return answer instanceof Promise ? answer.then(judgementOf) : judgementOf(answer);
  }

  /** The biz-server has put a user into a room. @returns the ticket by which it may join again */
  putIn(userId: string, room: string): string | undefined {
    return this.#tickets.give(userId, room);
  }

  /** A command of the biz-server has come, whether or not its user is here. */
  commanded(kind: "join" | "leave", userId: string, room: string): void {
    if (kind === "join") {
      this.#tickets.readmit(userId, room);
    } else {
      this.#tickets.recall(userId, room);
    }
    this.#authz?.forget(userId, room);
  }
}

function allowed({
  byToken = false,
  ticket,
}: {
  byToken?: boolean;
  ticket?: string | undefined;
} = {}): JoinJudgement {
  return { allowed: true, byToken, ticket };
}

function judgementOf(answer: AuthzAnswer): JoinJudgement {
  switch (answer) {
    case "allow":
      return allowed();
    case "deny":
      return { allowed: false, reason: "authz_denied" };
    case "unavailable":
      return { allowed: false, reason: "authz_unavailable" };
  }
}
