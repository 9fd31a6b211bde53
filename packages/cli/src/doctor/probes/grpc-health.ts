import {
  type ChannelCredentials,
  Client,
  type ClientOptions,
  type ServiceError,
} from "@grpc/grpc-js";

const STATES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;

export type HealthState = (typeof STATES)[number];

/**
 * Asks grpc.health.v1 for the state of the whole server. It needs no client certificate and no token.
 * @throws ServiceError
 */
export async function grpcHealth(
  address: string,
  credentials: ChannelCredentials,
  options: ClientOptions,
  timeoutMs: number,
): Promise<HealthState> {
  const client = new Client(address, credentials, {
    ...options,
    // What is wrong with a connection is found anew each time.
    "grpc.use_local_subchannel_pool": 1,
  });
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        "/grpc.health.v1.Health/Check",
        // A request for the server as a whole has no fields.
        () => Buffer.alloc(0),
        decodeState,
        undefined,
        { deadline: Date.now() + timeoutMs },
        (error: ServiceError | null, state?: HealthState) => {
          if (error !== null) reject(error);
          else resolve(state ?? "UNKNOWN");
        },
      );
    });
  } finally {
    client.close();
  }
}

const STATUS_FIELD = 0x08;

/** The response is one enum with the number 1; absent it is 0. */
function decodeState(response: Buffer): HealthState {
  return STATES[response[0] === STATUS_FIELD ? (response[1] ?? 0) : 0] ?? "UNKNOWN";
}
