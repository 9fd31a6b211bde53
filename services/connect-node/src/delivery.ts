import type { Command } from "@pushcast/api";
import { targetKind } from "@pushcast/log";
import { closeReason } from "@pushcast/wire";
import type { Revocation, Revocations } from "./auth/revocations.ts";
import type { Flusher } from "./flusher.ts";
import { type Audience, type Hub, Room } from "./hub.ts";
import type { NodeEntry, NodeLog } from "./node-log.ts";
import type { RoomRights } from "./rooms/room-rights.ts";
import type { SessionService } from "./session-service.ts";
import type { Writer } from "./writer.ts";

/** Which sessions a publication reached on this node. */
export interface Outcome {
  /** Written or queued. */
  readonly delivered: number;
  /** Behind, and will get it from the log. */
  readonly lagging: number;
}

/** A publication that reached nobody. */
const NOBODY: Outcome = { delivered: 0, lagging: 0 };

/** Matches publications with this node's sessions, hands them to the flusher, and carries out commands. */
export class Delivery {
  readonly #hub: Hub;
  readonly #log: NodeLog;
  readonly #flusher: Flusher;
  readonly #writer: Writer;
  readonly #sessions: SessionService;
  readonly #revocations: Revocations;
  readonly #rights: RoomRights;

  constructor(init: {
    hub: Hub;
    log: NodeLog;
    flusher: Flusher;
    writer: Writer;
    sessions: SessionService;
    revocations: Revocations;
    rights: RoomRights;
  }) {
    this.#hub = init.hub;
    this.#log = init.log;
    this.#flusher = init.flusher;
    this.#writer = init.writer;
    this.#sessions = init.sessions;
    this.#revocations = init.revocations;
    this.#rights = init.rights;
  }

  get hasSessions(): boolean {
    return this.#hub.sessions.size > 0;
  }

  /** Delivers a publication that is no command. One that is ephemeral reaches only who is not behind. */
  deliver(entry: NodeEntry): Outcome {
    const { publication } = entry;
    const kind = targetKind(publication);
    let audience: Audience = this.#hub.everyone;
    if (publication.roomId !== "") {
      const room = this.#hub.rooms.get(publication.roomId);
      if (room === undefined) return NOBODY;
      audience = room;
    }
    const matched =
      kind === "user" ? this.#countListed(entry) : this.#countAudience(entry, audience);
    if (matched.delivered > 0) this.#flusher.add(audience, entry);
    return publication.ephemeral ? { ...matched, lagging: 0 } : matched;
  }

  /**
   * Carries out a command on the sessions that were opened before it.
   * @param openedBeforeMs by the wall clock; undefined for all that are open
   * @returns the sessions that it changed
   */
  carryOut(command: Command, openedBeforeMs: number | undefined): Outcome {
    const { kind } = command;
    if (kind === undefined) return NOBODY;
    let changed = 0;
    if (kind.$case !== "disconnect") {
      this.#rights.commanded(kind.$case, kind.value.userId, kind.value.roomId);
    }
    for (const session of [...this.#hub.sessionsOf([kind.value.userId])]) {
      if (openedBeforeMs !== undefined && session.openedAtMs > openedBeforeMs) continue;
      switch (kind.$case) {
        case "join":
          if (this.#sessions.joinByCommand(session, kind.value.roomId)) changed += 1;
          break;
        case "leave":
          if (this.#sessions.takeOut(session, kind.value.roomId)) changed += 1;
          break;
        case "disconnect":
          this.#sessions.close(session, { code: kind.value.code, reason: kind.value.reason });
          changed += 1;
          break;
      }
    }
    return { delivered: changed + this.revokeBy(command), lagging: 0 };
  }

  /** Refuses the tokens that a command revokes, if it does, whenever it was given. @returns as `revoke` */
  revokeBy({ kind }: Command): number {
    if (kind?.$case !== "disconnect" || kind.value.revokeIssuedBeforeMs === 0n) return 0;
    const { userId, revokeIssuedBeforeMs } = kind.value;
    return this.revoke({ userId, issuedBeforeMs: Number(revokeIssuedBeforeMs) });
  }

  /**
   * Refuses tokens from now on, and closes the user's sessions that have one.
   * @returns the sessions that it closed
   */
  revoke(revocation: Revocation): number {
    this.#revocations.add(revocation);
    let closed = 0;
    for (const session of [...this.#hub.sessionsOf([revocation.userId])]) {
      if (!this.#revocations.covers(session.identity)) continue;
      this.#sessions.close(session, closeReason("TOKEN_EXPIRED", "the token was revoked"));
      closed += 1;
    }
    return closed;
  }

  /** Publications were lost between a manager and this node: every session that is open is told. */
  sayGap(): void {
    // Commands may be among them.
    this.#revocations.isWhole = false;
    this.#flusher.flushAll();
    const position = this.#log.epochs.heads();
    const sessions = [...this.#hub.sessions.values()];
    for (const session of sessions) {
      // Who is behind is told now as well, and has no more of its backlog. A message beyond the hole
      // that came before the gap would leave a client that reconnects then with a position beyond it.
      for (const subscription of session.subscriptions()) subscription.offset = this.#log.end;
    }
    this.#writer.sendToAll(sessions, { type: "gap", scope: "all", position });
  }

  #countAudience(entry: NodeEntry, audience: Audience): Outcome {
    const room = audience instanceof Room ? audience : undefined;
    let all = room === undefined ? this.#hub.sessions.size : room.members.size;
    let behind = audience.behind;
    for (const session of this.#hub.sessionsOf(entry.excluded ?? [])) {
      const subscription = room === undefined ? session.self : room.members.get(session);
      if (subscription === undefined) continue;
      all -= 1;
      if (subscription.behind) behind -= 1;
    }
    return { delivered: all - behind, lagging: behind };
  }

  #countListed({ publication, excluded, listed }: NodeEntry): Outcome {
    let delivered = 0;
    let lagging = 0;
    for (const session of this.#hub.sessionsOf(listed ?? [])) {
      if (excluded?.has(session.userId)) continue;
      const subscription =
        publication.roomId === "" ? session.self : session.rooms.get(publication.roomId);
      if (subscription === undefined) continue;
      if (subscription.behind) lagging += 1;
      else delivered += 1;
    }
    return { delivered, lagging };
  }
}
