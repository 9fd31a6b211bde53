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
      reject(new Error(`no HTTP/2 handshake within ${timeoutMs} ms`));
      session.destroy();
    }, timeoutMs);
    session.once("connect", (_session, socket) => {
      // A server that wants another client certificate says so only now. The session ends without a
      // word then, and would leave its socket open.
      socket.once("error", (error) => {
        clearTimeout(timer);
        reject(error);
        socket.destroy();
      });
    });
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
