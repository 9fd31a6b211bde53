import type { Socket } from "node:net";
import { ChannelCredentials, credentials, type experimental } from "@grpc/grpc-js";

/**
 * Credentials of a channel that keep its sockets at hand, so that whoever closes the
 * channel can end them. gRPC itself never gives up a socket that is connected but gets no HTTP/2
 * handshake, not even when its channel is closed: a frozen peer would gather one with each attempt.
 */
export class OwnedSockets extends ChannelCredentials {
  readonly #sockets = new Set<Socket>();
  readonly #secure: (() => ChannelCredentials) | undefined;
  #isDestroyed = false;

  /** @param secure makes the credentials of one connection. @default without TLS */
  constructor(secure?: () => ChannelCredentials) {
    super();
    this.#secure = secure;
  }

  /** Ends all sockets at once, and those that are still being connected as soon as they are. */
  destroy(): void {
    this.#isDestroyed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  override _isSecure(): boolean {
    return this.#secure !== undefined;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(
    ...args: Parameters<ChannelCredentials["_createSecureConnector"]>
  ): experimental.SecureConnector {
    const connector = () =>
      (this.#secure?.() ?? credentials.createInsecure())._createSecureConnector(...args);
    const first = connector();
    return {
      // gRPC connects anew with the same connector, and a certificate may have changed meanwhile.
      connect: (socket) => {
        this.#own(socket);
        return connector().connect(socket);
      },
      waitForReady: () => first.waitForReady(),
      getCallCredentials: () => first.getCallCredentials(),
      destroy: () => first.destroy(),
    };
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    if (this.#isDestroyed) socket.destroy();
  }
}
