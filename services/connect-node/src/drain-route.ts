import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isFromOwnMachine, type OpsHandler } from "@pushcast/runtime";
import type { DrainProgress } from "./drain.ts";

/** `POST /drain`: begins the drain, or tells how far it is. From loopback, or with `OPS_TOKEN`. */
export function drainRoute(init: {
  token: string | undefined;
  begin: () => void;
  progress: () => DrainProgress;
}): OpsHandler {
  return (request) => {
    if (!isAllowed(request, init.token)) {
      const message = "allowed from loopback, or with the bearer token of OPS_TOKEN";
      return { status: 403, body: { error: { code: "FORBIDDEN", message } } };
    }
    init.begin();
    return { status: 202, body: init.progress() };
  };
}

function isAllowed(request: IncomingMessage, token: string | undefined): boolean {
  if (isFromOwnMachine(request)) return true;
  const given = request.headers.authorization?.replace(/^Bearer /i, "");
  return token !== undefined && given !== undefined && equal(given, token);
}

/** In a time that says nothing of where they differ. */
function equal(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
