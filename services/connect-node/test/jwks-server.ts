import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An issuer's JWK set over HTTP, with the faults that a test wants. */
export class JwksServer {
  /** What it serves; a text as it is. */
  body: object | string = { keys: [] };
  status = 200;
  /** It takes requests and answers none. */
  hangs = false;
  requests = 0;
  readonly #server = createServer((_request, response) => this.#answer(response));
  #port = 0;
  /** One for each request that has come. */
  #onRequest = () => {};

  get url(): string {
    return `http://127.0.0.1:${this.#port}/jwks.json`;
  }

  /** On the port that it had before, if it was started already. */
  async start(): Promise<this> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Nobody listens there until it is started again. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Resolves when the next request has come. */
  request(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRequest = resolve;
    });
  }

  #answer(response: ServerResponse): void {
    this.requests += 1;
    this.#onRequest();
    if (this.hangs) return;
    const body = typeof this.body === "string" ? this.body : JSON.stringify(this.body);
    response.writeHead(this.status, { "Content-Type": "application/json" }).end(body);
  }
}
