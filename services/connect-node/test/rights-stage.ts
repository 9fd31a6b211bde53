import type { Clock } from "@pushcast/runtime";
import type { AuthzQuestion, AuthzRequest } from "../src/rooms/authz-request.ts";
import { RoomAuthz } from "../src/rooms/room-authz.ts";
import { RoomRights } from "../src/rooms/room-rights.ts";
import { Tickets } from "../src/rooms/tickets.ts";
import { Stage, silentLogger } from "./stage.ts";

export const TICKET_MS = 3_600_000;
export const AUTHZ_TIMEOUT_MS = 2_000;

/** Undefined: it fails. `"never"`: it does not answer. */
export type BizServer = (question: AuthzQuestion) => Promise<boolean | undefined | "never">;

/** A stage whose sessions may join only what something allows. */
export class RightsStage {
  readonly stage: Stage;
  /** Those that the node's tickets are made by. */
  readonly tickets: (secrets?: readonly Buffer[]) => Tickets;
  readonly asked: AuthzQuestion[] = [];

  constructor(init: {
    /** @default false */
    open?: boolean;
    secrets?: readonly Buffer[];
    bizServer?: BizServer | undefined;
    maxRooms?: number;
  }) {
    const { open = false, secrets = [], bizServer, maxRooms = 10 } = init;
    const rights = (clock: Clock) =>
      new RoomRights({
        open,
        tickets: createTickets(clock, secrets),
        authz: bizServer && createAuthz(clock, this.#asking(bizServer)),
      });
    this.stage = new Stage({ MAX_ROOMS_PER_SESSION: maxRooms }, undefined, rights);
    this.tickets = (others = secrets) => createTickets(this.stage.clock, others);
  }

  #asking(bizServer: BizServer): AuthzRequest {
    return async (question, signal) => {
      this.asked.push(question);
      const answer = await bizServer(question);
      if (answer === undefined) throw new Error("no answer");
      if (answer !== "never") return answer;
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    };
  }
}

function createTickets(clock: Clock, secrets: readonly Buffer[]): Tickets {
  return new Tickets({ secrets: () => secrets, lifeMs: TICKET_MS, maxRecalled: 1_000, clock });
}

function createAuthz(clock: Clock, request: AuthzRequest): RoomAuthz {
  return new RoomAuthz({
    request,
    timeoutMs: AUTHZ_TIMEOUT_MS,
    maxRequests: 4,
    cache: { allowMs: 10_000, denyMs: 2_000, maxEntries: 100 },
    clock,
    logger: silentLogger,
    onResult: () => {},
    onCached: () => {},
  });
}
