import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";

/** A request's body is not what was asked for. */
export class BodyError extends Error {
  override readonly name = "BodyError";
  readonly status: 400 | 413 | 415;
  readonly code: string;

  constructor(status: 400 | 413 | 415, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * Reads a body of JSON.
 * @param maxBytes a longer one is refused, and not kept
 * @throws BodyError
 */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const mediaType = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") {
    throw new BodyError(415, "NOT_JSON", "the body must be application/json");
  }
  const body = await readBody(request, maxBytes);
  // Else what is none would be replaced, without a word.
  if (!isUtf8(body)) throw new BodyError(400, "BODY_INVALID", "the body is not UTF-8");
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new BodyError(400, "BODY_INVALID", "the body is not JSON");
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Read to its end also where it is too long: who still sends does not read the answer.
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes <= maxBytes) chunks.push(chunk);
    }
  } catch {
    throw new BodyError(400, "BODY_INCOMPLETE", "the body broke off");
  }
  if (bytes > maxBytes) {
    throw new BodyError(413, "BODY_TOO_LARGE", `the body must be at most ${maxBytes} bytes`);
  }
  return Buffer.concat(chunks);
}
