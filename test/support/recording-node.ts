import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import {
  ConnectNodeServiceService,
  type DeliverRequest,
  type DeliverResponse,
} from "@pushcast/api";

/** The other end of a manager's link: acknowledges all that it is sent, and keeps it. */
export interface RecordingNode {
  readonly grpcAddress: string;
  readonly requests: readonly DeliverRequest[];
  close(): void;
}

const NOTHING: DeliverResponse = {
  hello: undefined,
  throughSeq: 0n,
  outcomes: [],
  closing: false,
};

export async function startRecordingNode(nodeId: string): Promise<RecordingNode> {
  const requests: DeliverRequest[] = [];
  const server = new Server();
  const deliver = (call: ServerDuplexStream<DeliverRequest, DeliverResponse>) => {
    call.on("data", (request: DeliverRequest) => {
      requests.push(request);
      if (request.hello === undefined) {
        call.write({ ...NOTHING, throughSeq: request.throughSeq });
      } else {
        const hello = { nodeId, version: "0.0.0", haveSeq: 0n, knowsEpoch: false };
        call.write({ ...NOTHING, hello });
      }
    });
    call.on("end", () => call.end());
  };
  server.addService({ deliver: ConnectNodeServiceService.deliver }, { deliver });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { grpcAddress: `127.0.0.1:${port}`, requests, close: () => server.forceShutdown() };
}
