import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "@pushcast/runtime";
import { ExpiringMap } from "./expiring-map.ts";
import { userInRoom } from "./user-in-room.ts";

export interface TicketsInit {
  /** The first signs, all verify. Empty: no ticket is given, and none is good. */
  secrets: () => readonly Buffer[];
  lifeMs: number;
  /** Users taken out of a room, of which it is remembered. */
  maxRecalled: number;
  clock: Clock;
}

/** `invalid`: not a ticket of this user for this room, by any of the secrets. */
export type TicketState = "valid" | "invalid" | "expired" | "recalled";

const VERSION = 1;
const EXPIRY_BYTES = 6;
const HEAD_BYTES = 1 + EXPIRY_BYTES;
/** 39 bytes, which are 52 characters without a rest: there is only one way to write a ticket. */
const TICKET = /^[\w-]{52}$/;

/**
 * Proofs that a user may join a room, which any node with the same secrets believes. A ticket is
 * base64url of a version, when it expires and an HMAC-SHA256 over these, the user and the room: it
 * names neither, as whoever shows it says who and where.
 *
 * A ticket cannot be taken back. A node that hears that its user was taken out of the room refuses all
 * tickets for it, for as long as one could live that was given before.
 */
export class Tickets {
  readonly #init: TicketsInit;
  readonly #recalled: ExpiringMap<true>;

  constructor(init: TicketsInit) {
    this.#init = init;
    this.#recalled = new ExpiringMap(init.maxRecalled, () => init.clock.monotonicMs());
  }

  /** Users in rooms of which tickets are refused. */
  get recalled(): number {
    return this.#recalled.size;
  }

  /** @returns undefined without a secret */
  give(userId: string, room: string): string | undefined {
    const [secret] = this.#init.secrets();
    if (secret === undefined) return undefined;
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt8(VERSION);
    const expiresS = Math.ceil((this.#init.clock.now() + this.#init.lifeMs) / 1000);
    head.writeUIntBE(expiresS, 1, EXPIRY_BYTES);
    return Buffer.concat([head, sign(secret, head, userId, room)]).toString("base64url");
  }

  check(ticket: string, userId: string, room: string): TicketState {
    if (!TICKET.test(ticket)) return "invalid";
    const bytes = Buffer.from(ticket, "base64url");
    const head = bytes.subarray(0, HEAD_BYTES);
    const mac = bytes.subarray(HEAD_BYTES);
    const isSigned = this.#init
      .secrets()
      .some((secret) => timingSafeEqual(sign(secret, head, userId, room), mac));
    if (!isSigned || head.readUInt8() !== VERSION) return "invalid";
    if (head.readUIntBE(1, EXPIRY_BYTES) * 1000 <= this.#init.clock.now()) return "expired";
    if (this.#recalled.get(userInRoom(userId, room)) === true) return "recalled";
    return "valid";
  }

  /** The user was taken out of the room: tickets for it that are about are good no more. */
  recall(userId: string, room: string): void {
    if (this.#init.secrets().length === 0) return;
    // A node whose clock is behind would take one for longer than the node that gave it.
    this.#recalled.set(userInRoom(userId, room), true, this.#init.lifeMs + CLOCK_SKEW_MS);
  }

  /** The user was put into the room. */
  readmit(userId: string, room: string): void {
    this.#recalled.delete(userInRoom(userId, room));
  }
}

/** By how much the clocks of nodes may differ. */
const CLOCK_SKEW_MS = 60_000;

const LABEL = Buffer.from("pushcast.ticket");

function sign(secret: Buffer, head: Buffer, userId: string, room: string): Buffer {
  const user = Buffer.from(userId);
  const userBytes = Buffer.alloc(2);
  userBytes.writeUInt16BE(user.byteLength);
  const mac = createHmac("sha256", secret);
  for (const part of [LABEL, head, userBytes, user, Buffer.from(room)]) mac.update(part);
  return mac.digest();
}
