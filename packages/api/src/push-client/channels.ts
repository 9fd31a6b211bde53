import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  connectivityState,
  credentials,
} from "@grpc/grpc-js";
import type { PushClientOptions, PushClientTls } from "./options.ts";
import { PushError } from "./push-error.ts";

const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 3_000;
/** With grpc-js's own 30 s, push-managers that were all replaced meanwhile would be found only then. */
const RESOLVE_AT_MOST_EVERY_MS = 1_000;
/** Between attempts to connect; with grpc-js's own up to 120 s a push-manager that is back would idle. */
const RECONNECT_MS = { min: 200, max: 3_000 };

/** Connections to push-managers: one gRPC channel for each address that was given. */
export class Channels {
  readonly #clients: readonly Client[];
  #last = -1;

  /** @throws PushError for options that cannot be */
  constructor(options: PushClientOptions) {
    const { address, tls, token, insecureToken = false } = options;
    const addresses = typeof address === "string" ? [address] : address;
    if (addresses.length === 0 || addresses.includes("")) {
      throw optionsInvalid("address must name at least one push-manager, as host:port");
    }
    if (token !== undefined && tls === undefined && !insecureToken) {
      throw optionsInvalid("a token needs tls, or insecureToken where plain text is meant");
    }
    const secure = toCredentials(tls);
    const channelOptions = toChannelOptions(options);
    this.#clients = addresses.map((one) => new Client(one, secure, channelOptions));
  }

  /** Those that are connected in turn; while none is, all. @param not the one that was tried last */
  next(not?: Client): Client {
    // Asking for it also makes those connect that are not, and so the next calls may use them.
    const connected = this.#clients.filter(
      (client) => client.getChannel().getConnectivityState(true) === connectivityState.READY,
    );
    const usable = connected.length > 0 ? connected : this.#clients;
    const others = usable.filter((client) => client !== not);
    const choice = others.length > 0 ? others : usable;
    this.#last += 1;
    return choice[this.#last % choice.length] as Client;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}

function toCredentials(tls: PushClientTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { ca, cert, key } = tls;
  if ((cert === undefined) !== (key === undefined)) {
    throw optionsInvalid("tls.cert and tls.key belong together");
  }
  try {
    return credentials.createSsl(toBuffer(ca), toBuffer(key), toBuffer(cert));
  } catch (cause) {
    throw optionsInvalid("tls has what is no certificate or key in PEM", cause);
  }
}

function toChannelOptions({ tls, keepaliveMs = KEEPALIVE_MS, interceptors }: PushClientOptions) {
  const options: ChannelOptions = {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.service_config_disable_resolution": 1,
    "grpc.dns_min_time_between_resolutions_ms": RESOLVE_AT_MOST_EVERY_MS,
    "grpc.initial_reconnect_backoff_ms": RECONNECT_MS.min,
    "grpc.max_reconnect_backoff_ms": RECONNECT_MS.max,
    "grpc.keepalive_time_ms": keepaliveMs,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.keepalive_permit_without_calls": 1,
    // Connections of its own, which end with it.
    "grpc.use_local_subchannel_pool": 1,
    ...(tls?.serverName === undefined
      ? {}
      : {
          "grpc.ssl_target_name_override": tls.serverName,
          "grpc.default_authority": tls.serverName,
        }),
  };
  return { ...options, interceptors: [...(interceptors ?? [])] };
}

function toBuffer(pem: string | Buffer | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}

function optionsInvalid(message: string, cause?: unknown): PushError {
  return new PushError("INVALID_ARGUMENT", "OPTIONS_INVALID", message, { cause });
}
