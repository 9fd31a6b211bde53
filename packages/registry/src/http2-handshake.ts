import { connect } from "node:http2";
import type { EtcdTls } from "./etcd-client.ts";

/**
 * Resolves when a server at the URL has answered an HTTP/2 handshake; the connection is closed
 * again. Rejects when it has not within the time.
 */
export function http2Handshake(url: string, timeoutMs: number, tls?: EtcdTls): Promise<void> {
  return new Promise((resolve, reject) => {
    const session = connect(url, { ...tls });
    const timer = setTimeout(() => {
      // By itself: a server that wants a client certificate and gets none ends the connection, and the
      // session tells of neither an error nor its close.
      reject(new Error(`no HTTP/2 handshake within ${timeoutMs} ms`));
      session.destroy();
    }, timeoutMs);
    session.once("remoteSettings", () => {
      resolve();
      session.close();
    });
    session.on("error", reject);
    session.once("close", () => {
      clearTimeout(timer);
      reject(new Error("the connection was closed before the HTTP/2 handshake"));
    });
  });
}
