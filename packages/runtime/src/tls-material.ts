import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";

/** What one side of a TLS connection has: whom it trusts, and mostly a certificate of its own. */
export interface TlsMaterial {
  /** PEM, of one certificate or several. */
  readonly ca: Buffer;
  /** PEM: the certificate, then those between it and the CA. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** When the certificate, or one between it and the CA, ends; undefined without one. Unix milliseconds. */
  readonly expiresAtMs?: number;
}

/** What belongs to a side that also shows a certificate. */
export type OwnTlsMaterial = Required<TlsMaterial>;

/** Options of a `SecureContext`, as tls and http2 take them too. */
export function contextOptions({ ca, cert, key }: TlsMaterial): {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
} {
  return { ca, ...(cert && { cert }), ...(key && { key }) };
}

export function secureContext(material: TlsMaterial): SecureContext {
  return createSecureContext(contextOptions(material));
}

/**
 * Checks what will be used for connections: that it can be read, belongs together and has not expired.
 * @throws Error, without a word of the key
 */
export function parseOwnTls(cert: Buffer, key: Buffer, ca: Buffer): OwnTlsMaterial {
  const chain = certificates(cert, "the certificate");
  const expiresAtMs = Math.min(...chain.map(({ validTo }) => Date.parse(validTo)));
  if (expiresAtMs <= Date.now()) throw new Error("the certificate has expired");
  if (!chain[0]?.checkPrivateKey(privateKey(key))) {
    throw new Error("the key is not that of the certificate");
  }
  const material = { ...parseCa(ca), cert, key, expiresAtMs };
  secureContext(material);
  return material;
}

/** Like {@link parseOwnTls}, where no certificate is shown. @throws Error */
export function parseCa(ca: Buffer): TlsMaterial {
  // OpenSSL passes over what it cannot read of these.
  certificates(ca, "the CA");
  return { ca };
}

function certificates(pem: Buffer, what: string): X509Certificate[] {
  const blocks = pem
    .toString("latin1")
    .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Error(`${what} is no PEM`);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw new Error(`${what} cannot be read`, { cause });
  }
}

function privateKey(pem: Buffer) {
  try {
    return createPrivateKey(pem);
  } catch {
    // Its error would say nothing of use, and might say something of the key.
    throw new Error("the key cannot be read: it must be PEM without a password");
  }
}
