import { constants, X509Certificate } from "node:crypto";
import type { Server, Socket } from "node:net";
import { createServer } from "node:tls";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import type { FileFollower } from "./file-follower.ts";
import { notePeer } from "./peer-names.ts";
import { contextOptions, type OwnTlsMaterial, parseOwnTls, secureContext } from "./tls-material.ts";
import type { TransportCounters } from "./transport-metrics.ts";

/** The settings of TLS between processes: all of the files, or none. */
export interface GrpcTlsSettings {
  readonly GRPC_TLS_CERT_FILE: string | undefined;
  readonly GRPC_TLS_KEY_FILE: string | undefined;
  readonly GRPC_TLS_CA_FILE: string | undefined;
}

export interface TlsListener {
  readonly server: Server;
  /** Ends connections that were not handed on yet, for which a close would wait. */
  endHandshakes(): void;
}

/** Less than gRPC clients wait, and longer than any handshake takes. */
const HANDSHAKE_MS = 10_000;

/**
 * A process's certificate, for its gRPC port and for the connections that it opens. Connections that
 * are made after the files have changed use the new ones; those that there are stay.
 */
export class GrpcTls {
  readonly #counters: TransportCounters;
  readonly #current: () => OwnTlsMaterial;
  #renewListener: (material: OwnTlsMaterial) => void = () => {};

  /** @returns undefined where the settings name no files @throws InvalidSettings */
  static open(
    settings: GrpcTlsSettings,
    files: FileFollower,
    counters: TransportCounters,
  ): GrpcTls | undefined {
    const { GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE, GRPC_TLS_CA_FILE } = settings;
    if (!GRPC_TLS_CERT_FILE || !GRPC_TLS_KEY_FILE || !GRPC_TLS_CA_FILE) return undefined;
    return new GrpcTls(
      { GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE, GRPC_TLS_CA_FILE },
      files,
      counters,
    );
  }

  private constructor(
    paths: Readonly<Record<string, string>>,
    files: FileFollower,
    counters: TransportCounters,
  ) {
    this.#counters = counters;
    const opened = files.open({
      name: "grpc_tls",
      paths,
      parse: parseOwnTls,
      onLoaded: (material) => {
        counters.expiresAt("grpc_tls", material.expiresAtMs);
        this.#renewListener(material);
      },
    });
    this.#current = () => opened.value;
  }

  /**
   * A listener that hands on each connection whose handshake is done. Peers are asked for a
   * certificate and let in without one: calls are judged one by one, and health needs none.
   */
  createListener(onConnection: (socket: Socket) => void): TlsListener {
    const handshaking = new Map<string, Socket>();
    const server = createServer(
      {
        ...serverContextOptions(this.#current()),
        ALPNProtocols: ["h2"],
        requestCert: true,
        rejectUnauthorized: false,
        handshakeTimeout: HANDSHAKE_MS,
      },
      (socket) => {
        handshaking.delete(endsOf(socket));
        notePeer(socket);
        onConnection(socket);
      },
    );
    server.on("connection", (socket) => {
      const ends = endsOf(socket);
      handshaking.set(ends, socket);
      socket.once("close", () => handshaking.delete(ends));
    });
    server.on("tlsClientError", (_error, socket) => {
      this.#counters.tlsFailed();
      // Node leaves one open whose handshake took too long.
      socket.destroy();
    });
    this.#renewListener = (material) => server.setSecureContext(serverContextOptions(material));
    return {
      server,
      endHandshakes: () => {
        for (const socket of handshaking.values()) socket.destroy();
      },
    };
  }

  /** For a connection that is opened now. @param serverName that the server's certificate must be for */
  credentialsFor(serverName: string): ChannelCredentials {
    return credentials.createFromSecureContext(secureContext(this.#current()), {
      // Pods have no names, and their addresses change: who they are is said by a name of their kind.
      checkServerIdentity: (_address, { raw }) =>
        new X509Certificate(raw).checkHost(serverName, { subject: "never", wildcards: false })
          ? undefined
          : new Error(`the server's certificate is not for ${serverName}`),
    });
  }
}

function serverContextOptions(material: OwnTlsMaterial) {
  // A session that is resumed by a ticket would not have its certificate judged anew.
  return { ...contextOptions(material), secureOptions: constants.SSL_OP_NO_TICKET };
}

function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
