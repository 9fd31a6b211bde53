import { PushError, type PushErrorCode, type PushReport, type PushResult } from "@pushcast/api";
import { errorAnswer, type HttpAnswer } from "./http-answer.ts";

/** Whom a push is for. */
export type PushTarget =
  | { readonly kind: "room"; readonly roomId: string }
  /** With a room: only the user's sessions in it. */
  | { readonly kind: "user"; readonly userId: string; readonly roomId?: string }
  | { readonly kind: "all" };

export interface PushRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly contentType: string | undefined;
  readonly body: AsyncIterable<Buffer>;
}

export interface PushEndpointInit {
  /** @throws PushError */
  readonly push: (
    target: PushTarget,
    content: Buffer,
    contentType: string,
  ) => Promise<Pick<PushResult, "messageId" | "report">>;
  /** A longer body is refused and not kept. */
  readonly maxContentBytes: number;
}

const PARAMETERS: readonly string[] = ["room", "user", "all"];

/** What `curl -d` says of any text. */
const FORM = "application/x-www-form-urlencoded";

/**
 * `POST /push?room=R`, `?user=U`, `?user=U&room=R` or `?all`: pushes the body, and answers the
 * message's id and the delivery report. The content type is that of the request; none, or that of
 * a form, counts as text.
 */
export async function answerPush(
  request: PushRequest,
  { push, maxContentBytes }: PushEndpointInit,
): Promise<HttpAnswer> {
  if (request.method !== "POST") {
    return errorAnswer(405, "METHOD_NOT_ALLOWED", "push with POST", { Allow: "POST" });
  }
  const target = readTarget(request.query);
  if (typeof target === "string") return errorAnswer(400, "QUERY_INVALID", target);
  const content = await readAtMost(maxContentBytes, request.body);
  if (content === undefined) {
    const message = `the body must be at most ${maxContentBytes} bytes (MAX_CONTENT_BYTES)`;
    return errorAnswer(413, "CONTENT_TOO_LARGE", message);
  }
  const contentType =
    request.contentType === undefined || request.contentType === FORM
      ? "text/plain"
      : request.contentType;
  try {
    const { messageId, report } = await push(target, content, contentType);
    return { status: 200, body: { message_id: messageId, report: reportToJson(report) } };
  } catch (error) {
    if (error instanceof PushError) return pushErrorAnswer(error);
    throw error;
  }
}

/** The target, or what is wrong with the query. */
function readTarget(query: URLSearchParams): PushTarget | string {
  for (const name of query.keys()) {
    if (!PARAMETERS.includes(name)) return `unknown parameter ${JSON.stringify(name)}`;
    if (query.getAll(name).length > 1) return `${name} is said twice`;
  }
  const roomId = query.get("room");
  const userId = query.get("user");
  if (query.has("all")) {
    return roomId === null && userId === null
      ? { kind: "all" }
      : "all excludes room and user: they are part of it";
  }
  if (userId !== null) {
    return roomId === null ? { kind: "user", userId } : { kind: "user", userId, roomId };
  }
  return roomId === null
    ? "say for whom: ?room=ROOM, ?user=USER or ?all"
    : { kind: "room", roomId };
}

/**
 * Undefined if there is more. That is read too, but dropped: a client that is cut off while it
 * sends may never see the answer.
 */
async function readAtMost(
  maxBytes: number,
  body: AsyncIterable<Buffer>,
): Promise<Buffer | undefined> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes <= maxBytes) chunks.push(chunk);
    else chunks = [];
  }
  return bytes <= maxBytes ? Buffer.concat(chunks) : undefined;
}

function reportToJson(report: PushReport) {
  return {
    nodes_total: report.nodesTotal,
    nodes_acked: report.nodesAcked,
    nodes_matched: report.nodesMatched,
    sessions_delivered: report.sessionsDelivered,
    sessions_lagging: report.sessionsLagging,
    failures: report.failures.map(({ nodeId, reason, message }) => ({
      node_id: nodeId,
      reason,
      message,
    })),
  };
}

const HTTP_STATUSES: Readonly<Partial<Record<PushErrorCode, number>>> = {
  INVALID_ARGUMENT: 400,
  RESOURCE_EXHAUSTED: 429,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

function pushErrorAnswer({ code, reason, message }: PushError): HttpAnswer {
  return errorAnswer(HTTP_STATUSES[code] ?? 502, reason === "" ? code : reason, message);
}
