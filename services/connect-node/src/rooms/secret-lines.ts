/** As long as the HMAC's own output; base64 of 24 random bytes is as long. */
const MIN_SECRET_BYTES = 32;
const MAX_SECRETS = 8;

/**
 * The secrets in a file, one a line.
 * @throws Error that says what is wrong, and never what stands there
 */
export function readSecretLines(bytes: Buffer): readonly Buffer[] {
  const lines = textOf(bytes)
    .split("\n")
    .map((line) => Buffer.from(line.trim()))
    .filter((line) => line.byteLength > 0);
  if (lines.length === 0) throw new Error("it has no secret");
  if (lines.length > MAX_SECRETS) throw new Error(`it has more than ${MAX_SECRETS} secrets`);
  if (lines.some((line) => line.byteLength < MIN_SECRET_BYTES)) {
    throw new Error(`it has a secret of less than ${MIN_SECRET_BYTES} bytes`);
  }
  return lines;
}

/**
 * The bearer token in a file.
 * @throws Error that says what is wrong, and never what stands there
 */
export function readBearerToken(bytes: Buffer): string {
  const token = textOf(bytes).trim();
  // RFC 6750 §2.1
  if (!/^[\w.~+/-]+=*$/.test(token)) throw new Error("it is no bearer token");
  return token;
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error("it is no UTF-8");
  }
}
