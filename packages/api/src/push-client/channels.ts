import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  connectivityState,
  credentials,
} from "@grpc/grpc-js";
import type { PushClientOptions, PushClientTls } from "./options.ts";
import { PushError } from "./push-error.ts";
import { inTime } from "./retries.ts";

const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 3_000;
/** Timers of Node that are set for longer end at once. */
const MAX_KEEPALIVE_MS = 2 ** 31 - 1;
/** With grpc-js's own 30 s, push-managers that were all replaced meanwhile would be found only then. */
const RESOLVE_AT_MOST_EVERY_MS = 1_000;
/** Between attempts to connect; with grpc-js's own up to 120 s a push-manager that is back would idle. */
const RECONNECT_MS = { min: 200, max: 3_000 };

const HOST = /^(?:dns:(?:\/\/[^/]*\/)?|ipv[46]:)?(?:\[(.+)\]|([^:]+))(?::\d+)?$/;
/**
 * Said as the name in the handshake where there is only an address, which has no place there (RFC 6066, 3). gRPC
 * always says one. Nobody has this one (RFC 2606, 2), so a server takes it as if none was said.
 */
const NO_NAME = "address.invalid";

export interface NextChannel {
  /** The one that was tried last: another is taken if there is one. */
  readonly not: Client | undefined;
  /** How long to wait for a connection, in milliseconds, while there is none. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

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
    this.#clients = addresses.map((one) => {
      const identity = tls === undefined ? undefined : identityOf(one, tls);
      return new Client(one, toCredentials(tls, identity), toChannelOptions(options, identity));
    });
  }

  /** Those that are connected in turn. While none is, the first that will be; if none can be, all. */
  async next({ not, waitMs, signal }: NextChannel): Promise<Client> {
    let connected = this.#connected();
    // One alone waits within gRPC, and says what it waited for.
    if (connected.length === 0 && this.#clients.length > 1) {
      await inTime(this.#connectedOrFailed(Date.now() + waitMs), waitMs, signal).catch(() => {});
      connected = this.#connected();
    }
    const usable = connected.length > 0 ? connected : this.#clients;
    const others = usable.filter((client) => client !== not);
    const choice = others.length > 0 ? others : usable;
    this.#last += 1;
    return choice[this.#last % choice.length] as Client;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #connected(): Client[] {
    return this.#clients.filter((client) => stateOf(client) === READY);
  }

  async #connectedOrFailed(endsAtMs: number): Promise<void> {
    for (;;) {
      const states = this.#clients.map(stateOf);
      if (states.includes(READY) || states.every((state) => state === TRANSIENT_FAILURE)) return;
      await Promise.race(
        this.#clients.map((client, index) => {
          const state = states[index] ?? TRANSIENT_FAILURE;
          return new Promise<void>((resolve, reject) => {
            client.getChannel().watchConnectivityState(state, endsAtMs, (error) => {
              if (error === undefined) resolve();
              else reject(error);
            });
          });
        }),
      );
    }
  }
}

const { READY, TRANSIENT_FAILURE } = connectivityState;

/** Asking for it also makes it connect, so that the next calls may use it. */
function stateOf(client: Client): connectivityState {
  return client.getChannel().getConnectivityState(true);
}

/** Whose a push-manager's certificate must be: a DNS name or an IP address. */
function identityOf(address: string, { serverName }: PushClientTls): string {
  const [, inBrackets, plain] = HOST.exec(address) ?? [];
  return serverName ?? inBrackets ?? plain ?? address;
}

function toCredentials(tls: PushClientTls | undefined, identity = ""): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { ca, cert, key } = tls;
  if ((cert === undefined) !== (key === undefined)) {
    throw optionsInvalid("tls.cert and tls.key belong together");
  }
  try {
    return credentials.createSsl(toBuffer(ca), toBuffer(key), toBuffer(cert), {
      ...(isIP(identity) === 0
        ? {}
        : { checkServerIdentity: (_host, shown) => checkServerIdentity(identity, shown) }),
    });
  } catch (cause) {
    throw optionsInvalid("tls has what is no certificate or key in PEM", cause);
  }
}

function toChannelOptions(
  { tls, keepaliveMs = KEEPALIVE_MS, interceptors }: PushClientOptions,
  identity = "",
) {
  const said = isIP(identity) === 0 ? tls?.serverName : NO_NAME;
  const options: ChannelOptions = {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.service_config_disable_resolution": 1,
    "grpc.dns_min_time_between_resolutions_ms": RESOLVE_AT_MOST_EVERY_MS,
    "grpc.initial_reconnect_backoff_ms": RECONNECT_MS.min,
    "grpc.max_reconnect_backoff_ms": RECONNECT_MS.max,
    "grpc.keepalive_time_ms": Math.min(MAX_KEEPALIVE_MS, keepaliveMs),
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.keepalive_permit_without_calls": 1,
    // Connections of its own, which end with it.
    "grpc.use_local_subchannel_pool": 1,
    ...(said === undefined ? {} : { "grpc.ssl_target_name_override": said }),
    ...(tls?.serverName === undefined ? {} : { "grpc.default_authority": tls.serverName }),
  };
  return { ...options, interceptors: [...(interceptors ?? [])] };
}

function toBuffer(pem: string | Buffer | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}

function optionsInvalid(message: string, cause?: unknown): PushError {
  return new PushError("INVALID_ARGUMENT", "OPTIONS_INVALID", message, { cause });
}
