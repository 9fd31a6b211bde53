import type { Socket } from "node:net";
import { ChannelCredentials, credentials, type experimental } from "@grpc/grpc-js";

/**
 * Credentials of a channel without TLS that keep its sockets at hand, so that whoever closes the
 * channel can end them. gRPC itself never gives up a socket that is connected but gets no HTTP/2
 * handshake, not even when its channel is closed: a frozen peer would gather one with each attempt.
 */
export class OwnedSockets extends ChannelCredentials {
  readonly #sockets = new Set<Socket>();
  #isDestroyed = false;

  /** Ends all sockets at once, and those that are still being connected as soon as they are. */
  destroy(): void {
    this.#isDestroyed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  override _isSecure(): boolean {
    return false;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(
    ...args: Parameters<ChannelCredentials["_createSecureConnector"]>
  ): experimental.SecureConnector {
    const connector = credentials.createInsecure()._createSecureConnector(...args);
    return {
      connect: (socket) => {
        this.#own(socket);
        return connector.connect(socket);
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    if (this.#isDestroyed) socket.destroy();
  }
}
