import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import {
  type PushManagerServiceServer,
  PushManagerServiceService,
  type PushStreamRequest,
  type PushStreamResponse,
  type PushToRoomRequest,
  type StreamPush,
} from "../src/gen/pushcast/v1/push_manager.ts";
import type { PushClientOptions } from "../src/push-client/options.ts";
import { createPushClient, type PushClient } from "../src/push-client/push-client.ts";

export interface Refusal {
  readonly code: status;
  /** The trailer `pushcast-code`. */
  readonly reason?: string;
}

export const STOPPING: Refusal = { code: status.UNAVAILABLE, reason: "STOPPING" };
export const SILENCE = "silence";

export type Stream = ServerDuplexStream<PushStreamRequest, PushStreamResponse>;

export interface ScriptedManager {
  readonly address: string;
  /** What it was asked, in order, also within streams. */
  readonly pushes: PushToRoomRequest[];
  /** The value of `authorization` with each unary push. */
  readonly authorizations: string[];
  /** How many pushes each message of a stream had. */
  readonly messages: number[];
}

export const REPORT = {
  nodesTotal: 1,
  nodesAcked: 1,
  nodesMatched: 1,
  sessionsDelivered: 2,
  sessionsLagging: 0,
  nodesDuplicate: 0,
  failures: [],
};

export interface Script {
  /** How its first unary pushes are answered; all that follow are accepted. */
  readonly answers?: readonly (Refusal | typeof SILENCE)[];
  /** What it does with each push of a stream. @default accepts it */
  readonly onStreamPush?: (push: StreamPush, stream: Stream) => void;
}

/** A push-manager that does as it is told. It ends with the test. */
export async function startScriptedManager({
  answers = [],
  onStreamPush = accept,
}: Script = {}): Promise<ScriptedManager> {
  const left = [...answers];
  const pushes: PushToRoomRequest[] = [];
  const authorizations: string[] = [];
  const messages: number[] = [];
  const server = new Server();
  const service: Pick<PushManagerServiceServer, "pushToRoom" | "pushStream"> = {
    pushToRoom: ({ request, metadata }, callback) => {
      pushes.push(request);
      authorizations.push(String(metadata.get("authorization")[0]));
      const answer = left.shift();
      if (answer === SILENCE) return;
      if (answer === undefined) callback(null, { messageId: "00-1", report: REPORT });
      else callback(serviceError(answer));
    },
    pushStream: (stream) => {
      stream.on("data", (message: PushStreamRequest) => {
        messages.push(message.pushes.length);
        for (const one of message.pushes) {
          if (one.push?.$case === "pushToRoom") pushes.push(one.push.value);
          onStreamPush(one, stream);
        }
      });
      stream.on("end", () => stream.end());
    },
  };
  server.addService(PushManagerServiceService, { ...service });
  const port = await new Promise<number>((resolve, reject) => {
    const secure = ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", secure, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  onTestFinished(() => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, pushes, authorizations, messages };
}

/** Answers a push of a stream as accepted. */
export function accept({ requestId }: StreamPush, stream: Stream): void {
  const result = { requestId, messageId: `00-${requestId}`, report: REPORT, code: 0, error: "" };
  stream.write({ results: [result] });
}

/** Answers a push of a stream with an error of its own. */
export function refuse({ requestId }: StreamPush, stream: Stream, { code, reason }: Refusal): void {
  const error = `${reason}: said by the test`;
  stream.write({ results: [{ requestId, messageId: "", report: undefined, code, error }] });
}

/** What grpc-js ends a call with. */
export function serviceError({ code, reason }: Refusal): Partial<ServiceError> {
  const metadata = new Metadata();
  if (reason !== undefined) metadata.set("pushcast-code", reason);
  return { code, details: "said by the test", metadata };
}

/** A client of these push-managers that hardly waits between attempts. It is closed with the test. */
export function clientOf(
  managers: readonly ScriptedManager[],
  options: Partial<PushClientOptions> = {},
): PushClient {
  const client = createPushClient({
    address: managers.map(({ address }) => address),
    backoff: { minMs: 1, maxMs: 1 },
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}
