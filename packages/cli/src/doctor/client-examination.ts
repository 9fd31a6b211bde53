import { randomBytes, randomUUID } from "node:crypto";
import { createPushClient, PushError } from "@pushcast/api";
import type { ClientEndpoint } from "../client/client-options.ts";
import { checkSocket } from "./checks/client-path.ts";
import { checkConnection } from "./checks/connection.ts";
import { checkCallError } from "./checks/manager.ts";
import { checkTestPush } from "./checks/test-push.ts";
import type { ClockSample } from "./clock-offset.ts";
import { type Finding, fail, notChecked } from "./finding.ts";
import type { ManagerTarget } from "./manager-examination.ts";
import { dial } from "./probes/dial.ts";
import { openSocket, type TestClient } from "./probes/web-socket.ts";

export interface ClientExamination {
  readonly path: readonly Finding[];
  readonly push: readonly Finding[];
  /** What the test push says of the push-manager's clock. */
  readonly managerClock: readonly ClockSample[];
}

const NAME = "pushcast-doctor";
const NAME_BYTES = 6;

/**
 * Connects as a client does and, where a push-manager is given too, pushes one message to a room that
 * only this client is in.
 */
export async function examineClient(
  { url, ca, tokens }: ClientEndpoint,
  manager: ManagerTarget | undefined,
  timeoutMs: number,
): Promise<ClientExamination> {
  const isSecure = url.protocol === "wss:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (isSecure ? 443 : 80));
  const tls = isSecure ? { ...(ca && { ca }) } : undefined;
  const dialled = await dial({ host, port, tls, alpn: ["http/1.1"], timeoutMs });
  const thing = {
    prefix: "client",
    address: `${host}:${port}`,
    addressOption: "--url",
    caOption: "--client-ca",
    plainOption: "ws://",
    serverName: host,
  };
  const connection = checkConnection(thing, dialled, Date.now());
  if (connection.some(({ status }) => status === "fail")) {
    return { path: connection, push: [noClient()], managerClock: [] };
  }
  const name = `${NAME}-${randomBytes(NAME_BYTES).toString("hex")}`;
  const opening = await openSocket({
    url: url.href,
    identity: { token: tokens[0], userId: name },
    timeoutMs,
    ...(ca && { ca }),
  });
  const path = [...connection, ...checkSocket(opening)];
  if (!opening.opened) return { path, push: [noClient()], managerClock: [] };
  try {
    if (opening.welcome === undefined) return { path, push: [noClient()], managerClock: [] };
    if (manager === undefined) return { path, push: [noManager()], managerClock: [] };
    return { path, ...(await pushTo(opening.client, name, manager)) };
  } finally {
    await opening.client.close();
  }
}

async function pushTo(
  client: TestClient,
  room: string,
  target: ManagerTarget,
): Promise<Omit<ClientExamination, "path">> {
  const refused = await client.join(room);
  if (refused !== undefined) return { push: [noRoom(room, refused)], managerClock: [] };
  const manager = createPushClient(target.options);
  const content = randomUUID();
  const [begunAtMs, askedAtMs] = [performance.now(), Date.now()];
  try {
    const arrival = client.message(content).then((message) => ({
      message,
      ms: performance.now() - begunAtMs,
      atMs: Date.now(),
    }));
    const { report } = await manager.pushToRoom(room, content);
    const answeredMs = performance.now() - begunAtMs;
    const { message, ms, atMs } = await arrival;
    const push = checkTestPush({
      report,
      answeredMs,
      arrivedMs: message === undefined ? undefined : ms,
      copies: client.messages.length,
    });
    if (message === undefined) return { push, managerClock: [] };
    const answeredAtMs = Math.min(atMs, askedAtMs + answeredMs);
    const sample = { saidMs: message.at, resolutionMs: 1, askedAtMs, answeredAtMs };
    return { push, managerClock: [sample] };
  } catch (error) {
    if (!(error instanceof PushError)) throw error;
    return { push: [checkCallError("test-push-accepted", error)], managerClock: [] };
  } finally {
    await manager.close();
  }
}

function noClient(): Finding {
  return notChecked(
    "test-push",
    "no client could connect",
    "See what is said of the client's way.",
  );
}

function noManager(): Finding {
  return notChecked("test-push", "no push-manager was given to push by", "Give --manager too.");
}

function noRoom(room: string, refused: string): Finding {
  return refused.startsWith("ROOM_FORBIDDEN")
    ? notChecked(
        "test-push",
        `the client may not join ${room}: ${refused}`,
        `Give a client token whose claim \`rooms\` has "${NAME}-*". docs/protocol.md, Rooms.`,
      )
    : fail(
        "test-push",
        `the client could not join ${room}: ${refused}`,
        "See the node's log; AUTHZ_UNAVAILABLE means that AUTHZ_URL gave no answer.",
      );
}
