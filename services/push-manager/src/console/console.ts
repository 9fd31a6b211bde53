import type { IncomingMessage } from "node:http";
import {
  BodyError,
  type Clock,
  type Logger,
  type OpsAnswer,
  type OpsFile,
  type OpsHandler,
  type OpsResponse,
  RpcError,
  readJsonBody,
} from "@pushcast/runtime";
import type { Caller } from "../access/push-access.ts";
import type { FanOut } from "../fan-out.ts";
import type { Publisher } from "../publisher.ts";
import type { PushAnswer } from "../push.ts";
import { roomError } from "../validate.ts";
import type { ConsoleLimit, ConsoleMetrics, ConsoleSettings } from "./console-metrics.ts";
import { Gate, REFUSED_HEADERS } from "./gate.ts";
import type { ManagerMessage } from "./messages.ts";
import type { PushFigures } from "./push-figures.ts";
import { errorResponse, pushedMessage, readPush } from "./push-request.ts";
import { Sampler } from "./sampler.ts";
import { Tails } from "./tails.ts";

export interface ConsoleInit {
  readonly settings: ConsoleSettings & { readonly MAX_CONTENT_BYTES: number };
  /** By the paths under which they are served. */
  readonly files: ReadonlyMap<string, OpsFile>;
  readonly manager: Omit<ManagerMessage, "startedAtMs">;
  readonly fanOut: Pick<FanOut, "nodes" | "isHeld">;
  readonly figures: PushFigures;
  readonly publisher: Pick<Publisher, "push">;
  /** In whose name it pushes. */
  readonly caller: Caller;
  /** The longest that a push waits for nodes. */
  readonly ackTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ConsoleMetrics;
}

/** Every byte of content may take six in JSON, as \u0000 does. */
const JSON_BYTES_PER_BYTE = 6;
const BODY_OVERHEAD_BYTES = 16 * 1024;

/** A page that shows what goes on, and pushes. @returns its routes, for the ops server */
export function createConsole(init: ConsoleInit): Readonly<Record<string, OpsHandler>> {
  const { settings, files, fanOut, clock, metrics } = init;
  const gate = new Gate({
    token: settings.CONSOLE_TOKEN,
    maxFailures: settings.CONSOLE_MAX_FAILURES,
    clock,
    onRefused: (reason) => metrics.refused(reason),
  });
  const sampler = new Sampler({
    manager: { ...init.manager, startedAtMs: clock.now() },
    figures: init.figures,
    fanOut,
    clock,
  });
  const tails = new Tails({
    nodes: () => fanOut.nodes,
    clock,
    maxPerSecond: settings.CONSOLE_TAIL_PER_SECOND,
    maxContentBytes: settings.CONSOLE_TAIL_CONTENT_BYTES,
    onSkipped: (count) => metrics.skipped(count),
  });
  metrics.observe({ viewers: () => sampler.viewers, tails: () => tails.open });

  const limited = (code: ConsoleLimit, message: string): OpsResponse => {
    metrics.refused(code);
    return { status: 429, body: { error: { code, message } }, headers: REFUSED_HEADERS };
  };
  const guarded =
    (handle: (request: IncomingMessage) => OpsAnswer | Promise<OpsAnswer>): OpsHandler =>
    (request) =>
      gate.dataRefusal(request) ?? handle(request);

  const pages = Array.from(files, ([path, file]): [string, OpsHandler] => [
    `GET ${path}`,
    (request) => gate.pageRefusal(request) ?? file,
  ]);
  return {
    ...Object.fromEntries(pages),
    "GET /console/samples": guarded(() =>
      sampler.viewers < settings.CONSOLE_MAX_VIEWERS
        ? { events: (stream) => sampler.add(stream) }
        : limited("TOO_MANY_VIEWERS", "as many consoles are open as CONSOLE_MAX_VIEWERS allows"),
    ),
    "GET /console/tail": guarded((request) => {
      const roomId = new URL(request.url ?? "", "http://console").searchParams.get("room") ?? "";
      const error = roomError(roomId);
      if (error !== undefined) return errorResponse(error);
      return tails.open < settings.CONSOLE_MAX_TAILS
        ? { events: (stream) => tails.add(roomId, stream) }
        : limited("TOO_MANY_TAILS", "as many rooms are tailed as CONSOLE_MAX_TAILS allows");
    }),
    "POST /console/push": guarded((request) => push(request, init)),
  };
}

async function push(request: IncomingMessage, init: ConsoleInit): Promise<OpsResponse> {
  const { settings, publisher, caller, ackTimeoutMs, logger, metrics } = init;
  try {
    const maxBytes = settings.MAX_CONTENT_BYTES * JSON_BYTES_PER_BYTE + BODY_OVERHEAD_BYTES;
    const asked = readPush(await readJsonBody(request, maxBytes));
    metrics.pushed();
    const answer = await new Promise<PushAnswer | RpcError>((resolve) => {
      publisher.push(asked, caller, ackTimeoutMs, resolve);
    });
    const { api, roomId, userIds } = asked;
    const from = request.socket.remoteAddress;
    const said = { caller: "console", from, api, roomId, userIds };
    if (answer instanceof RpcError) {
      logger.info({ ...said, code: answer.pushcastCode }, "a push of the console was refused");
      return errorResponse(answer);
    }
    logger.info({ ...said, messageId: answer.messageId }, "the console pushed");
    return { status: 200, body: pushedMessage(answer) };
  } catch (error) {
    if (error instanceof BodyError) return errorResponse(error);
    throw error;
  }
}
