import { idProblem } from "@pushcast/wire";
import { CliError } from "../frame/cli-error.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";

export interface ClaimsInit {
  readonly userId: string;
  readonly rooms: readonly string[];
  readonly autoJoin: readonly string[];
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly expiresInMs: number;
  readonly nowMs: number;
}

/** What a token says, as docs/protocol.md has it. */
export type Claims = Readonly<Record<string, unknown>> & {
  readonly iat: number;
  readonly exp: number;
};

/** @throws CliError where a node would refuse it */
export function makeClaims(init: ClaimsInit): Claims {
  const { userId, rooms, autoJoin, issuer, audience, expiresInMs, nowMs } = init;
  check("USER", userId, idProblem(userId));
  for (const room of rooms) check("--room", room, patternProblem(room));
  for (const room of autoJoin) {
    check("--auto-join", room, room.includes("*") ? "must be a name, without *" : idProblem(room));
  }
  const iat = Math.floor(nowMs / 1000);
  return {
    sub: userId,
    iat,
    exp: iat + Math.max(1, Math.round(expiresInMs / 1000)),
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(audience === undefined ? {} : { aud: audience }),
    ...(rooms.length === 0 ? {} : { rooms }),
    ...(autoJoin.length === 0 ? {} : { auto_join: autoJoin }),
  };
}

function patternProblem(room: string): string | undefined {
  const at = room.indexOf("*");
  if (at === 0) return "must have a character before its *";
  if (at !== -1 && at !== room.length - 1) return "may have a * only at its end";
  return idProblem(room);
}

function check(what: string, value: string, problem: string | undefined): void {
  if (problem === undefined) return;
  throw new CliError({
    code: "CLAIM_INVALID",
    message: `${what} ${JSON.stringify(value)} ${problem}`,
    exitCode: EXIT_CODES.data,
  });
}
