import type { IncomingMessage } from "node:http";
import { JSON_SUBPROTOCOL, PROTO_SUBPROTOCOL } from "@pushcast/wire";
import { describe, expect, test } from "vitest";
import { checkHandshake } from "./handshake.ts";

const HEADERS = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

function check(url: string, headers: Record<string, string | undefined> = {}, method = "GET") {
  return checkHandshake({ url, method, headers: { ...HEADERS, ...headers } } as IncomingMessage);
}

const offering = (subprotocols: string) => ({ "sec-websocket-protocol": subprotocols });

describe("a handshake", () => {
  test("says the user, and speaks JSON where no subprotocol is offered", () => {
    const checked = check("/ws?user_id=anna");
    expect(checked).toMatchObject({ ok: true, handshake: { userId: "anna", resumes: false } });
    expect(checked.ok && checked.handshake.codec.subprotocol).toBe(JSON_SUBPROTOCOL);
  });

  test.each([
    [PROTO_SUBPROTOCOL, PROTO_SUBPROTOCOL],
    [`other, ${JSON_SUBPROTOCOL},${PROTO_SUBPROTOCOL}`, JSON_SUBPROTOCOL],
    ["pushcast.token.abc", JSON_SUBPROTOCOL],
  ])("that offers %s speaks %s", (offered, spoken) => {
    const checked = check("/ws?user_id=a", offering(offered));
    expect(checked.ok && checked.handshake.codec.subprotocol).toBe(spoken);
  });

  test.each([
    ["/ws?user_id=a&resume=1", true],
    ["/ws?resume=0&user_id=a", false],
    ["/ws?user_id=a&access_token=x&other", false],
  ])("%s resumes: %s", (url, resumes) => {
    expect(check(url)).toMatchObject({ ok: true, handshake: { resumes } });
  });

  test.each([
    ["%C3%A9t%C3%A9", "été"],
    ["a+b%2Bc", "a b+c"],
    ["a%26b%3D1", "a&b=1"],
    ["a=b", "a=b"],
    ["%F0%9F%92%AC", "💬"],
  ])("reads user_id=%s as %s", (text, userId) => {
    expect(check(`/ws?user_id=${text}`)).toMatchObject({ ok: true, handshake: { userId } });
  });
});

describe("what a handshake carries", () => {
  const tokensOf = (url: string, headers: Record<string, string | undefined> = {}) => {
    const checked = check(url, headers);
    return checked.ok ? checked.handshake.tokens : checked.code;
  };

  test.each<[string, Record<string, string>, string[]]>([
    ["/ws", {}, []],
    ["/ws?access_token=a", {}, ["a"]],
    ["/ws?access_token=", {}, []],
    ["/ws", { authorization: "Bearer a" }, ["a"]],
    ["/ws", { authorization: "bearer  a " }, ["a"]],
    ["/ws", { authorization: "Bearer" }, []],
    ["/ws", { authorization: "Basic a" }, []],
    ["/ws", offering(`${JSON_SUBPROTOCOL}, pushcast.token.a`), ["a"]],
    ["/ws", offering("pushcast.token."), []],
    ["/ws?access_token=a", { authorization: "Bearer a", ...offering("pushcast.token.a") }, ["a"]],
    ["/ws?access_token=a", { authorization: "Bearer b" }, ["b", "a"]],
    ["/ws", offering("pushcast.token.a, pushcast.token.b"), ["a", "b"]],
  ])("%s with %j: %j", (url, headers, tokens) => {
    expect(tokensOf(url, headers)).toEqual(tokens);
  });
});

describe("a handshake is refused", () => {
  test.each([
    ["/", "NOT_FOUND"],
    ["/ws/", "NOT_FOUND"],
    ["/wss?user_id=a", "NOT_FOUND"],
    ["/WS?user_id=a", "NOT_FOUND"],
    ["/ws?user_id=", "USER_INVALID"],
    ["/ws?user_id", "USER_INVALID"],
    [`/ws?user_id=${"x".repeat(257)}`, "USER_INVALID"],
    ["/ws?user_id=a%00", "USER_INVALID"],
    ["/ws?user_id=a%C2%85", "USER_INVALID"],
    ["/ws?user_id=%FF", "QUERY_INVALID"],
    ["/ws?user_id=%", "QUERY_INVALID"],
    ["/ws?user_id=a&user_id=b", "QUERY_INVALID"],
    ["/ws?user_id=a&resume=yes", "QUERY_INVALID"],
    ["/ws?user_id=a&resume=1&resume=1", "QUERY_INVALID"],
  ])("for the URL %s with %s", (url, code) => {
    expect(check(url)).toMatchObject({ ok: false, code });
  });

  test.each([
    [{ upgrade: "h2c" }, "UPGRADE_REQUIRED"],
    [{ upgrade: undefined }, "UPGRADE_REQUIRED"],
    [{ "sec-websocket-version": "8" }, "UPGRADE_REQUIRED"],
    [{ "sec-websocket-version": undefined }, "UPGRADE_REQUIRED"],
    [{ "sec-websocket-key": undefined }, "HANDSHAKE_INVALID"],
    [{ "sec-websocket-key": "short" }, "HANDSHAKE_INVALID"],
    [offering("chat"), "SUBPROTOCOL_UNKNOWN"],
    [offering("pushcast.v2.json, chat"), "SUBPROTOCOL_UNKNOWN"],
    [offering(""), "SUBPROTOCOL_UNKNOWN"],
    [offering("a b"), "SUBPROTOCOL_UNKNOWN"],
    [offering(`${JSON_SUBPROTOCOL},`), "SUBPROTOCOL_UNKNOWN"],
    [offering(`${JSON_SUBPROTOCOL}, ${JSON_SUBPROTOCOL}`), "SUBPROTOCOL_UNKNOWN"],
  ])("for the headers %j with %s", (headers, code) => {
    expect(check("/ws?user_id=a", headers)).toMatchObject({ ok: false, code });
  });

  test.each(["POST", "HEAD", "OPTIONS"])("for the method %s", (method) => {
    expect(check("/ws?user_id=a", {}, method)).toMatchObject({
      ok: false,
      code: "METHOD_NOT_ALLOWED",
    });
  });
});
