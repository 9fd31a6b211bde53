import { createServer, type Socket } from "node:net";
import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type CallGuard, guardCalls } from "./call-guard.ts";
import { GrpcHealth } from "./grpc-health.ts";
import { addReflection } from "./grpc-reflection.ts";
import type { GrpcTls } from "./grpc-tls.ts";
import { listen } from "./listen.ts";
import { OpenCalls } from "./open-calls.ts";

export interface GrpcServerOptions {
  /** A FileDescriptorSet, as `buf build` writes it, with every service; for reflection. */
  descriptorSet: Uint8Array;
  /** The full names of the services, for health and reflection. */
  services: readonly string[];
  /** The largest message that is taken; a larger one is RESOURCE_EXHAUSTED. */
  maxReceiveBytes: number;
  /** Calls that one connection may have open at once. */
  maxCallsPerConnection: number;
  /**
   * Age of a connection, give or take a tenth, at which its peer is told to use another one for what comes
   * next. Calls that are open go on. @default none
   */
  maxConnectionAgeMs?: number;
  /** @default plain text */
  tls?: GrpcTls;
  /** Asked for each call, but those of health. @default all are let in */
  guard?: CallGuard;
}

export interface GrpcServer {
  /** Before {@link listen}. */
  addService<Implementation extends UntypedServiceImplementation>(
    definition: ServiceDefinition<Implementation>,
    implementation: Implementation,
  ): void;
  /** What health says, of the server and of all its services; at first it is not serving. */
  setServing(serving: boolean): void;
  /**
   * @param port 0 is any free one
   * @returns the real port
   * @throws ListenError
   */
  listen(host: string, port: number): Promise<number>;
  /**
   * Takes no new calls, lets those in flight end for at most `graceMs`, then cuts them off: their
   * callers see UNAVAILABLE. Resolves when no connection is left; also if it never listened, or was
   * closed before.
   */
  close(graceMs: number): Promise<void>;
}

/** An idle connection is pinged after this time, so that one whose peer vanished is found. */
const KEEPALIVE_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;

/** For the last statuses to go out; then connections end, whatever is on them. */
const DRAIN_MS = 100;

/** A gRPC server with health and reflection. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  // The library would write metadata that it cannot read to stderr as it is: tokens among them.
  setLogVerbosity(logVerbosity.NONE);
  const openCalls = new OpenCalls();
  const server = new Server({
    "grpc.max_receive_message_length": options.maxReceiveBytes,
    "grpc.max_concurrent_streams": options.maxCallsPerConnection,
    ...(options.maxConnectionAgeMs === undefined
      ? {}
      : { "grpc.max_connection_age_ms": options.maxConnectionAgeMs }),
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.enable_channelz": 0,
    interceptors: [
      openCalls.interceptor,
      ...(options.guard === undefined ? [] : [guardCalls(options.guard)]),
    ],
  });
  const health = new GrpcHealth(options.services);
  health.addToServer(server);
  addReflection(server, options.descriptorSet, options.services);

  // A listener of our own, because bindAsync tells only in words, and on the console, that a port
  // is taken. It deals with TLS too, so that gRPC is handed connections that are ready to be read.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const inject = (socket: Socket) => injector.injectConnection(socket);
  const tls = options.tls?.createListener(inject);
  const listener = tls?.server ?? createServer(inject);

  let closed: Promise<void> | undefined;
  const close = async (graceMs: number): Promise<void> => {
    health.setServing(false);
    health.endWatches();
    // Not forceShutdown, which leaves connections open where channelz is off.
    const cut = setTimeout(() => {
      openCalls.end();
      injector.drain(DRAIN_MS);
    }, graceMs);
    const unbound = new Promise<void>((resolve) => listener.close(() => resolve()));
    tls?.endHandshakes();
    await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    await unbound;
    clearTimeout(cut);
  };

  return {
    addService: (definition, implementation) => server.addService(definition, implementation),
    setServing: (serving) => health.setServing(serving),
    listen: (host, port) => listen(listener, { host, port, setting: "GRPC_PORT" }),
    close: (graceMs) => {
      closed ??= close(graceMs);
      return closed;
    },
  };
}
