import type { IncomingHttpHeaders } from "node:http";
import { errorAnswer, type HttpAnswer } from "./http-answer.ts";

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Why a request is refused, if so. Listening on loopback keeps other machines out, but not the pages
 * of other sites in this machine's browsers:
 *
 * - such a page may post here without being asked; browsers then say its origin.
 * - its site may have its own name resolve to 127.0.0.1, so that it has this origin (DNS
 *   rebinding); the name then stands in `Host`.
 */
export function refuseForeign({ host, origin }: IncomingHttpHeaders): HttpAnswer | undefined {
  const name = host?.toLowerCase().replace(/:\d*$/, "");
  if (name === undefined || !LOOPBACK_NAMES.has(name)) {
    return errorAnswer(
      403,
      "HOST_FORBIDDEN",
      "this is for development and answers only to localhost and 127.0.0.1",
    );
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host?.toLowerCase()}`) {
    return errorAnswer(403, "ORIGIN_FORBIDDEN", "pages of other origins may not push");
  }
  return undefined;
}
