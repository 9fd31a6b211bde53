import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { errorWords } from "../../frame/error-words.ts";

/** Whom a TLS handshake trusts, and what it shows. All PEM. */
export interface DialTls {
  /** @default the CAs that Node trusts */
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name that the certificate must have. @default the host */
  readonly serverName?: string;
}

export interface DialOptions {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Undefined for plain text. */
  readonly tls: DialTls | undefined;
  /** The protocols that are offered with TLS. */
  readonly alpn: readonly string[];
  /** For each step. */
  readonly timeoutMs: number;
}

/** What a server's certificate says, and whether it was believed. */
export interface SeenCertificate {
  readonly subject: string;
  /** DNS names and addresses, as the certificate has them. */
  readonly names: string;
  /** Unix milliseconds. */
  readonly validToMs: number;
  /** Unix milliseconds. */
  readonly validFromMs: number;
  /** Node's code for why it is not trusted; undefined if it is. */
  readonly problem: string | undefined;
}

/** How far a connection came. */
export type Dialled =
  | { readonly step: "dns" | "tcp"; readonly problem: string }
  | {
      readonly step: "tls";
      readonly problem: string;
      /** The other side does not speak TLS. */
      readonly isPlain: boolean;
    }
  | {
      readonly step: "done";
      readonly address: string;
      /** How long the TCP handshake took. */
      readonly connectMs: number;
      /** Undefined for plain text. */
      readonly certificate: SeenCertificate | undefined;
    };

/** Looks the name up, connects, and shakes hands. Nothing is sent beyond that; all is closed again. */
export async function dial({ host, port, tls, alpn, timeoutMs }: DialOptions): Promise<Dialled> {
  try {
    if (isIP(host) === 0) await withTimeout(lookup(host), timeoutMs);
  } catch (error) {
    return { step: "dns", problem: errorWords(error) };
  }
  const begunAtMs = performance.now();
  let socket: Socket;
  try {
    socket = await tcp(host, port, timeoutMs);
  } catch (error) {
    return { step: "tcp", problem: errorWords(error) };
  }
  const connectMs = performance.now() - begunAtMs;
  const address = socket.remoteAddress ?? host;
  try {
    if (tls === undefined) return { step: "done", address, connectMs, certificate: undefined };
    const certificate = await handshake(socket, host, tls, alpn, timeoutMs);
    return { step: "done", address, connectMs, certificate };
  } catch (error) {
    return { step: "tls", problem: errorWords(error), isPlain: isNoTls(error) };
  } finally {
    socket.destroy();
  }
}

/** Whether a server that was taken for a plain one answers a TLS handshake. */
export async function speaksTls(host: string, port: number, timeoutMs: number): Promise<boolean> {
  const dialled = await dial({ host, port, tls: {}, alpn: [], timeoutMs });
  return dialled.step === "done" || (dialled.step === "tls" && /alert/.test(dialled.problem));
}

function tcp(host: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port });
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no connection within ${timeoutMs} ms`));
    }, timeoutMs);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeListener("error", reject);
      // Later errors are those of the handshake, or of nobody's concern.
      socket.on("error", () => {});
      resolve(socket);
    });
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

function handshake(
  socket: Socket,
  host: string,
  { ca, cert, key, serverName = host }: DialTls,
  alpn: readonly string[],
  timeoutMs: number,
): Promise<SeenCertificate> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({
      socket,
      // What is wrong with the certificate is to be told, not to end the handshake.
      rejectUnauthorized: false,
      host: serverName,
      ...(isIP(serverName) === 0 && { servername: serverName }),
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
    });
    const timer = setTimeout(() => {
      tls.destroy(new Error(`no TLS handshake within ${timeoutMs} ms`));
    }, timeoutMs);
    tls.once("secureConnect", () => {
      const { subject, subjectaltname, valid_from, valid_to } = tls.getPeerCertificate();
      // The types say that it is an error; it is the error's code.
      const problem = tls.authorized ? undefined : String(tls.authorizationError);
      resolve({
        subject: String(subject?.CN ?? ""),
        names: subjectaltname ?? "",
        validFromMs: Date.parse(valid_from),
        validToMs: Date.parse(valid_to),
        problem,
      });
      tls.destroy();
    });
    tls.on("error", reject);
    tls.once("close", () => {
      clearTimeout(timer);
      reject(new Error("the connection was closed during the TLS handshake"));
    });
  });
}

/** OpenSSL was answered by what is no TLS record. */
function isNoTls(error: unknown): boolean {
  return /WRONG_VERSION_NUMBER|wrong version number|packet length too long|http request/i.test(
    `${(error as NodeJS.ErrnoException).code} ${(error as Error).message}`,
  );
}

function withTimeout<Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}
