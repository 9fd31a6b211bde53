import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { drainRoute } from "./drain-route.ts";

const PROGRESS = { phase: "accepting", sessions: 3, told: 0 } as const;

function ask(
  remoteAddress: string,
  authorization?: string,
  token?: string,
  forwarding: Readonly<Record<string, string>> = {},
) {
  let begun = 0;
  const route = drainRoute({
    token,
    begin: () => {
      begun += 1;
    },
    progress: () => PROGRESS,
  });
  const request = { socket: { remoteAddress }, headers: { authorization, ...forwarding } };
  const answer = route(request as unknown as IncomingMessage) as { status: number; body: unknown };
  return { ...answer, begun };
}

describe("POST /drain", () => {
  test.each(["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])(
    "is allowed from %s and answered with the progress",
    (address) => {
      expect(ask(address)).toEqual({ status: 202, body: PROGRESS, begun: 1 });
    },
  );

  test.each(["forwarded", "x-forwarded-for", "x-real-ip", "via"])(
    "is refused from loopback where %s tells of a proxy, but with the token",
    (header) => {
      const forwarding = { [header]: "10.0.0.7" };
      expect(ask("127.0.0.1", undefined, "secret", forwarding)).toMatchObject({ status: 403 });
      expect(ask("127.0.0.1", "Bearer secret", "secret", forwarding)).toMatchObject({ begun: 1 });
    },
  );

  test("is allowed from elsewhere with the token only", () => {
    expect(ask("10.0.0.7", "Bearer secret", "secret")).toMatchObject({ status: 202, begun: 1 });
    expect(ask("10.0.0.7", "bearer secret", "secret")).toMatchObject({ status: 202, begun: 1 });
  });

  test.each([
    ["no header", undefined, "secret"],
    ["another token", "Bearer secret2", "secret"],
    ["an empty token", "Bearer ", "secret"],
    ["a token where none is set", "Bearer undefined", undefined],
    ["an empty token where none is set", "Bearer ", undefined],
  ])("is refused from elsewhere with %s", (_, authorization, token) => {
    for (const address of ["10.0.0.7", "::ffff:10.0.0.7", "1270.0.0.1"]) {
      expect(ask(address, authorization, token)).toMatchObject({
        status: 403,
        body: { error: { code: "FORBIDDEN" } },
        begun: 0,
      });
    }
  });
});
