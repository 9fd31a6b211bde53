import { status as grpcStatus, type ServiceError } from "@grpc/grpc-js";
import { type DeliveryReport, failureReasonToJSON } from "@pushcast/api";
import { errorAnswer, type HttpAnswer } from "./http-answer.ts";
import type { PushAnswer, PushContent, PushTarget } from "./push-client.ts";

export interface PushRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly contentType: string | undefined;
  readonly body: AsyncIterable<Buffer>;
}

export interface PushEndpointInit {
  /** @throws ServiceError */
  readonly push: (target: PushTarget, content: PushContent) => Promise<PushAnswer>;
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
    const { messageId, report } = await push(target, { content, contentType });
    return { status: 200, body: { message_id: messageId, report: reportToJson(report) } };
  } catch (error) {
    return grpcErrorAnswer(error as ServiceError);
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

function reportToJson(report: DeliveryReport | undefined) {
  return {
    nodes_total: report?.nodesTotal ?? 0,
    nodes_acked: report?.nodesAcked ?? 0,
    nodes_matched: report?.nodesMatched ?? 0,
    sessions_delivered: report?.sessionsDelivered ?? 0,
    sessions_lagging: report?.sessionsLagging ?? 0,
    failures: (report?.failures ?? []).map(({ nodeId, reason, message }) => ({
      node_id: nodeId,
      reason: failureReasonToJSON(reason),
      message,
    })),
  };
}

const HTTP_STATUSES: Readonly<Partial<Record<grpcStatus, number>>> = {
  [grpcStatus.INVALID_ARGUMENT]: 400,
  [grpcStatus.RESOURCE_EXHAUSTED]: 429,
  [grpcStatus.UNAVAILABLE]: 503,
  [grpcStatus.DEADLINE_EXCEEDED]: 504,
};

function grpcErrorAnswer({ code, details, metadata }: ServiceError): HttpAnswer {
  const [name] = metadata.get("pushcast-code");
  return errorAnswer(
    HTTP_STATUSES[code] ?? 502,
    name?.toString() ?? grpcStatus[code] ?? "UNKNOWN",
    details,
  );
}
