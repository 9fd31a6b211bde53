import type { ClientState, RoomState } from "@pushcast/client";
import { CliError } from "../frame/cli-error.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";
import { printable } from "../frame/printable.ts";
import { connectProblem, mayPass } from "./connect-problem.ts";
import type { ConnectFailure } from "./telling-socket.ts";

type Closed = Extract<ClientState, { state: "closed" }>;
type Refused = Extract<RoomState, { state: "refused" }>;

export interface Attempt {
  readonly failure: ConnectFailure | undefined;
  /** There was a connection before. */
  readonly wasOpen: boolean;
  readonly url: string;
}

/** Why there is no point in trying on; undefined where the client does by itself. */
export function closedProblem(
  closed: Closed,
  { failure, wasOpen, url }: Attempt,
): CliError | undefined {
  if (!closed.retry) return endProblem(closed);
  if (failure === undefined) {
    if (wasOpen) return undefined;
    const reason = closed.reason || `${closed.code} ${closed.name}`;
    return connectProblem({ kind: "unreachable", message: reason }, url);
  }
  return mayPass(failure, wasOpen) ? undefined : connectProblem(failure, url);
}

function endProblem({ code, name, reason }: Closed): CliError {
  if (name === "TOKEN_REFUSED") {
    return new CliError({
      code: name,
      message: "the token is not taken any more: it has expired or was revoked",
      hint: "Get a new one, or make one with pushcast token.",
      exitCode: EXIT_CODES.noPermission,
    });
  }
  const isOfToken = code === 4401 || code === 4403;
  return new CliError({
    code: name,
    message: `the session was ended: ${code} ${name}${reason && `, ${printable(reason)}`}`,
    hint: isOfToken
      ? "Get a new token, or make one with pushcast token."
      : "The server does not want this client back by itself.",
    exitCode: isOfToken ? EXIT_CODES.noPermission : EXIT_CODES.failed,
  });
}

const ROOM_HINTS: Readonly<Record<string, string>> = {
  ROOM_INVALID: "A room's name has 1 to 256 bytes of UTF-8, without control characters.",
  ROOM_FORBIDDEN:
    "The user's token does not name the room, and nobody else allows it: pushcast token USER --room NAME, or pushcast join USER ROOM.",
  TOO_MANY_ROOMS: "MAX_ROOMS_PER_SESSION is the limit.",
};

export function roomProblem(name: string, { code, message }: Refused): CliError {
  return new CliError({
    code,
    message: `cannot join ${JSON.stringify(name)}: ${printable(message)}`,
    hint: ROOM_HINTS[code] ?? "",
    exitCode: code === "ROOM_FORBIDDEN" ? EXIT_CODES.noPermission : EXIT_CODES.data,
  });
}
