import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../frame/cli-error.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";
import { BenchClient, type BenchClientInit, type Connecting } from "./bench-client.ts";

/** Handshakes under way at once: less than any node's HANDSHAKE_BURST by default. */
const AT_ONCE = 50;
/** How long all of them together may wait for their turn. */
const GIVE_UP_AFTER_MS = 60_000;
/** "Come again later": with `Retry-After`. */
const LATER: readonly (number | undefined)[] = [429, 503];

/**
 * Connects all clients, as fast as the nodes let them in: who is told to come again later does so, after
 * the time that it was told.
 * @throws CliError if one cannot connect; the others are ended
 */
export async function connectAll(
  inits: readonly BenchClientInit[],
  onProgress: (connected: number) => void,
): Promise<BenchClient[]> {
  const givesUpAtMs = performance.now() + GIVE_UP_AFTER_MS;
  const clients: BenchClient[] = [];
  const waiting = inits.values();
  let isGivenUp = false;
  const connectSome = async () => {
    for (const init of waiting) {
      if (isGivenUp) return;
      clients.push(await connect(init, givesUpAtMs));
      onProgress(clients.length);
    }
  };
  const orGiveUp = (error: unknown) => {
    isGivenUp = true;
    throw error;
  };
  const workers = Array.from({ length: Math.min(AT_ONCE, inits.length) }, () =>
    connectSome().catch(orGiveUp),
  );
  const settled = await Promise.allSettled(workers);
  const failed = settled.find((worker) => worker.status === "rejected");
  if (failed === undefined) return clients;
  for (const client of clients) client.end();
  throw failed.reason;
}

/** @throws CliError */
async function connect(init: BenchClientInit, givesUpAtMs: number): Promise<BenchClient> {
  for (;;) {
    const tried = await BenchClient.open(init);
    if (tried.connected !== undefined) return tried.connected;
    const { status, retryAfterSeconds = 1 } = tried;
    const waitMs = retryAfterSeconds * 1_000;
    const isInTime = performance.now() + waitMs < givesUpAtMs;
    if (!LATER.includes(status) || !isInTime) throw refusal(init, tried);
    await sleep(waitMs);
  }
}

function refusal(
  { url, room, token }: BenchClientInit,
  { status, problem }: Exclude<Connecting, { connected: BenchClient }>,
): CliError {
  const where = new URL(url).origin;
  if (problem.startsWith("ROOM_FORBIDDEN") || status === 401 || status === 403) {
    return new CliError({
      code: "CLIENT_REFUSED",
      message: `a client was refused at ${where}: ${problem}`,
      hint:
        token === undefined
          ? "With AUTH_MODE=jwt give tokens: --client-token-file, whose claim `rooms` has pushcast-bench-*."
          : `Its token must be good, and its claim \`rooms\` must have pushcast-bench-*; the room was ${room}.`,
      exitCode: EXIT_CODES.noPermission,
    });
  }
  if (LATER.includes(status)) {
    return new CliError({
      code: "CLIENTS_NOT_ADMITTED",
      message: `not all clients were admitted at ${where} within ${GIVE_UP_AFTER_MS / 1_000} s: ${problem}`,
      hint: "The nodes let in HANDSHAKE_RATE a second, and MAX_SESSIONS, MAX_SESSIONS_PER_USER and MAX_SESSIONS_PER_ADDRESS in all.",
      exitCode: EXIT_CODES.tryLater,
    });
  }
  return new CliError({
    code: "CLIENT_NOT_CONNECTED",
    message: `a client could not connect to ${where}: ${problem}`,
    hint: "pushcast doctor --url says why.",
    exitCode: EXIT_CODES.unavailable,
  });
}
