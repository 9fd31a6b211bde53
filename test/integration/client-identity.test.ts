import { createHmac } from "node:crypto";
import { CLOSE_CODES, JSON_SUBPROTOCOL, TOKEN_PREFIX } from "@pushcast/wire";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect } from "vitest";
import {
  newKeyPair,
  newSecret,
  type SigningKey,
  TestFile,
  token,
} from "../../services/connect-node/test/tokens.ts";
import type { HandshakeRequest } from "../support/handshake.ts";
import { it, type NodeStage } from "../support/node-stage.ts";
import { TestClient } from "../support/ws-client.ts";

const secret = newSecret();
const pair = newKeyPair("one");
let secretFile: TestFile;
let publicKeyFile: TestFile;

beforeAll(() => {
  secretFile = new TestFile(`${secret.text}\n`);
  publicKeyFile = new TestFile(pair.pem);
});

afterAll(() => {
  secretFile.close();
  publicKeyFile.close();
});

const CLAIMS = { iss: "https://issuer.test", aud: "pushcast", rooms: ["r"] };

async function start(
  stage: NodeStage,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  await stage.start({
    AUTH_MODE: "jwt",
    JWT_SECRET_FILE: secretFile.path,
    JWT_ISSUER: CLAIMS.iss,
    JWT_AUDIENCE: CLAIMS.aud,
    // No heartbeat comes between.
    HEARTBEAT_MS: "600000",
    ...settings,
  });
}

/** A token for the stage's clock. */
function tokenOf(
  stage: NodeStage,
  claims: Readonly<Record<string, unknown>> = {},
  key: SigningKey = secret,
): Promise<string> {
  return token(key, stage.clock.now(), { ...CLAIMS, ...claims });
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Signed as one likes, also in ways that a library refuses to sign. */
function forged(stage: NodeStage, header: object, sign: (input: string) => string): string {
  const iat = stage.clock.now() / 1000;
  const input = `${base64url(header)}.${base64url({ ...CLAIMS, sub: "ann", iat, exp: iat + 60 })}`;
  return `${input}.${sign(input)}`;
}

type Making = (stage: NodeStage) => string | Promise<string>;

const seconds = (stage: NodeStage) => Math.floor(stage.clock.now() / 1000);

/** Every state that a token can be in, and the one answer to it before the upgrade. */
const STATES: readonly (readonly [name: string, status: number, code: string, make: Making])[] = [
  ["good", 101, "", (stage) => tokenOf(stage)],
  ["expired within the tolerance", 101, "", (s) => tokenOf(s, { exp: seconds(s) - 4 })],
  ["not valid yet within the tolerance", 101, "", (s) => tokenOf(s, { nbf: seconds(s) + 4 })],
  ["for several audiences", 101, "", (s) => tokenOf(s, { aud: ["other", CLAIMS.aud] })],
  ["as long-lived as it may be", 101, "", (s) => tokenOf(s, { exp: seconds(s) + 86_400 })],
  ["with rooms", 101, "", (s) => tokenOf(s, { rooms: ["r", "chat:*"], auto_join: ["a"] })],
  ["no JWT", 401, "TOKEN_INVALID", () => "abc"],
  ["of three parts that are none", 401, "TOKEN_INVALID", () => "a.b.c"],
  ["encrypted", 401, "TOKEN_INVALID", () => "e30.e30.e30.e30.e30"],
  ["too long", 401, "TOKEN_INVALID", (s) => tokenOf(s, { pad: "x".repeat(8192) })],
  ["cut", 401, "TOKEN_INVALID", async (s) => (await tokenOf(s)).slice(0, -4)],
  ["of another secret", 401, "TOKEN_INVALID", (s) => tokenOf(s, {}, newSecret())],
  ["of a key pair", 401, "TOKEN_INVALID", (s) => tokenOf(s, {}, pair)],
  ["of HS512", 401, "TOKEN_INVALID", (s) => tokenOf(s, {}, { ...secret, algorithm: "HS512" })],
  ["of alg none", 401, "TOKEN_INVALID", (s) => forged(s, { alg: "none" }, () => "")],
  [
    "of alg None, signed with nothing",
    401,
    "TOKEN_INVALID",
    (s) => forged(s, { alg: "None" }, () => "AA"),
  ],
  ["without alg", 401, "TOKEN_INVALID", (s) => forged(s, {}, () => "AA")],
  [
    "with a critical header",
    401,
    "TOKEN_INVALID",
    (s) =>
      forged(s, { alg: "HS256", crit: ["x"], x: 1 }, (input) =>
        createHmac("sha256", secret.text).update(input).digest("base64url"),
      ),
  ],
  ["expired", 401, "TOKEN_EXPIRED", (s) => tokenOf(s, { exp: seconds(s) - 5 })],
  ["not valid yet", 401, "TOKEN_INVALID", (s) => tokenOf(s, { nbf: seconds(s) + 6 })],
  ["issued in the future", 401, "TOKEN_INVALID", (s) => tokenOf(s, { iat: seconds(s) + 6 })],
  ["without exp", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { exp: undefined })],
  ["with a text as exp", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { exp: "tomorrow" })],
  ["without iat", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { iat: undefined })],
  ["without sub", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { sub: undefined })],
  ["with a number as sub", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { sub: 7 })],
  ["with an empty sub", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { sub: "" })],
  ["with a sub that is no user", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { sub: "a\u0000b" })],
  ["of another issuer", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { iss: "https://other.test" })],
  ["without issuer", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { iss: undefined })],
  ["for others", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { aud: "other" })],
  ["for nobody", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { aud: undefined })],
  ["too long-lived", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { exp: seconds(s) + 86_401 })],
  ["with a text as rooms", 403, "CLAIM_FORBIDDEN", (s) => tokenOf(s, { rooms: "all" })],
  [
    "with auto_join that is no room",
    403,
    "CLAIM_FORBIDDEN",
    (s) => tokenOf(s, { auto_join: [""] }),
  ],
];

/** Every place of a handshake that can carry a token. */
const PLACES: Readonly<Record<string, (token: string) => HandshakeRequest>> = {
  Authorization: (text) => ({ path: "/ws", headers: { Authorization: `Bearer ${text}` } }),
  "?access_token=": (text) => ({ path: `/ws?access_token=${text}` }),
  "a subprotocol": (text) => ({
    path: "/ws",
    headers: { "Sec-WebSocket-Protocol": `${JSON_SUBPROTOCOL}, ${TOKEN_PREFIX}${text}` },
  }),
};

describe.each(Object.entries(PLACES))("a token in %s", (_place, request) => {
  it.for(STATES)("that is %s is answered %i %s", async ([, status, code, make], { stage }) => {
    await start(stage);
    const text = await make(stage);
    const answer = await stage.handshake(request(text));
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.headers)).not.toContain(text);
    if (status === 101) return;
    expect(JSON.parse(answer.body).error.code).toBe(code);
    expect(answer.body).not.toContain(text);
    const hasChallenge = answer.headers["www-authenticate"] !== undefined;
    expect(hasChallenge).toBe(status === 401);
    expect((await stage.metrics()).value("connect_node_rejections_total", { reason: code })).toBe(
      1,
    );
    expect((await stage.metrics()).value("connect_node_sessions")).toBe(0);
  });
});

describe("a `token` frame", () => {
  it.for(STATES)("with one that is %s (%i %s)", async ([, status, , make], { stage }) => {
    await start(stage);
    const client = await stage.client({ userId: "ann", token: await tokenOf(stage) });
    client.send({ type: "token", token: await make(stage) });
    if (status === 101) {
      await client.frame("token_accepted");
    } else {
      expect(await client.frame("error")).toMatchObject({ code: "TOKEN_INVALID" });
    }
    // It goes on.
    await client.join("r");
  });

  it("of another user ends the session with 4403", async ({ stage }) => {
    await start(stage);
    const client = await stage.client({ userId: "ann", token: await tokenOf(stage) });
    client.send({ type: "token", token: await tokenOf(stage, { sub: "bob" }) });
    expect((await client.closed).code).toBe(CLOSE_CODES.FORBIDDEN.code);
  });

  it("is answered before what its client sends after it", async ({ stage }) => {
    await start(stage);
    const client = await stage.client({ userId: "ann", token: await tokenOf(stage) });
    client.send({ type: "token", token: await tokenOf(stage) });
    client.send({ type: "ping" });
    await client.frame("pong");
    expect(client.frames.map(({ type }) => type)).toEqual(["welcome", "token_accepted", "pong"]);
  });

  it("may come ten times a minute", async ({ stage }) => {
    await start(stage);
    const client = await stage.client({ userId: "ann", token: await tokenOf(stage) });
    const send = async () => client.send({ type: "token", token: await tokenOf(stage) });
    const accepted = () => client.frames.filter(({ type }) => type === "token_accepted").length;
    for (let sent = 0; sent < 11; sent += 1) await send();
    expect(await client.frame("error")).toMatchObject({ code: "TOO_MANY_TOKENS" });
    expect(accepted()).toBe(10);
    stage.clock.advance(60_000);
    await send();
    await client.until("the next", () => accepted() === 11);
  });

  it("is no use where nobody needs one", async ({ stage }) => {
    await stage.start();
    const client = await stage.client("ann");
    client.send({ type: "token", token: "a" });
    expect(await client.frame("error")).toMatchObject({ code: "BAD_REQUEST" });
  });
});

describe("a handshake", () => {
  it("without a token is answered 401, also with ?user_id=", async ({ stage }) => {
    await start(stage);
    for (const request of [
      { path: "/ws" },
      { path: "/ws?user_id=ann" },
      { path: "/ws?access_token=" },
      { path: "/ws", headers: { Authorization: "Basic YW5uOg==" } },
      { path: "/ws", headers: { Authorization: "Bearer" } },
    ]) {
      const { status, body, headers } = await stage.handshake(request);
      expect(status, JSON.stringify(request)).toBe(401);
      expect(JSON.parse(body).error.code).toBe("TOKEN_MISSING");
      expect(headers["www-authenticate"]).toBe("Bearer");
    }
  });

  it("with the same token in all places is accepted, and with two it is not", async ({ stage }) => {
    await start(stage);
    const [one, other] = [await tokenOf(stage), await tokenOf(stage, { sub: "bob" })];
    const request = (header: string, query: string, entry: string) => ({
      path: `/ws?access_token=${query}`,
      headers: {
        Authorization: `Bearer ${header}`,
        "Sec-WebSocket-Protocol": `${JSON_SUBPROTOCOL}, ${TOKEN_PREFIX}${entry}`,
      },
    });
    expect((await stage.handshake(request(one, one, one))).status).toBe(101);
    for (const given of [
      request(other, one, one),
      request(one, other, one),
      request(one, one, other),
    ]) {
      const { status, body } = await stage.handshake(given);
      expect(status).toBe(400);
      expect(JSON.parse(body).error.code).toBe("TOKEN_AMBIGUOUS");
    }
  });

  it("may say ?user_id= only as the token does", async ({ stage }) => {
    await start(stage);
    const headers = { Authorization: `Bearer ${await tokenOf(stage)}` };
    expect((await stage.handshake({ path: "/ws?user_id=ann", headers })).status).toBe(101);
    const { status, body } = await stage.handshake({ path: "/ws?user_id=bob", headers });
    expect(status).toBe(400);
    expect(JSON.parse(body).error.code).toBe("USER_INVALID");
  });

  it("is never answered with the entry that carries the token", async ({ stage }) => {
    await start(stage);
    const entry = `${TOKEN_PREFIX}${await tokenOf(stage)}`;
    const answer = (offered: string) =>
      stage.handshake({ path: "/ws", headers: { "Sec-WebSocket-Protocol": offered } });
    const both = await answer(`${entry}, ${JSON_SUBPROTOCOL}`);
    expect(both.headers["sec-websocket-protocol"]).toBe(JSON_SUBPROTOCOL);
    const alone = await answer(entry);
    expect(alone.status).toBe(101);
    expect(alone.headers["sec-websocket-protocol"]).toBeUndefined();
  });

  it("whose client is gone before it was verified leaves nothing behind", async ({ stage }) => {
    await start(stage);
    const headers = { Authorization: `Bearer ${await tokenOf(stage)}` };
    const answers = Array.from({ length: 20 }, () => stage.handshake({ path: "/ws", headers }));
    for (const { socket } of await Promise.all(answers)) socket.destroy();
    const client = await stage.client({ userId: "ann", token: await tokenOf(stage) });
    await client.join("r");
  });
});

describe("a flood of bad tokens", () => {
  it("is refused at sight, or bounded by HANDSHAKE_RATE before anything is verified", async ({
    stage,
  }) => {
    await start(stage, { HANDSHAKE_RATE: "1", HANDSHAKE_BURST: "3" });
    const statusOf = async (text: string) => {
      const headers = { Authorization: `Bearer ${text}` };
      const { status, socket } = await stage.handshake({ path: "/ws", headers });
      socket.destroy();
      return status;
    };
    const statuses = async (text: string, count: number) => {
      const all: number[] = [];
      while (all.length < count) all.push(await statusOf(text));
      return all;
    };
    expect(await statuses("no-token", 5)).toEqual([401, 401, 401, 401, 401]);
    const expired = await tokenOf(stage, { exp: seconds(stage) - 60 });
    expect(await statuses(expired, 5)).toEqual([401, 401, 401, 401, 401]);
    const forgedToken = await tokenOf(stage, {}, newSecret());
    expect(await statuses(forgedToken, 5)).toEqual([401, 401, 401, 429, 429]);
    expect(await statusOf(await tokenOf(stage))).toBe(429);
    stage.clock.advance(1_000);
    expect(await statusOf(await tokenOf(stage))).toBe(101);
  });
});

describe("a flood of forged tokens from one address", () => {
  it("leaves others their handshakes", async ({ stage }) => {
    await start(stage, {
      HANDSHAKE_RATE: "1",
      HANDSHAKE_BURST: "3",
      HANDSHAKE_RATE_PER_ADDRESS: "2",
      TRUSTED_PROXIES: "127.0.0.0/8",
    });
    const statusOf = async (text: string, address: string) => {
      const headers = { Authorization: `Bearer ${text}`, "X-Forwarded-For": address };
      return (await stage.handshake({ path: "/ws", headers })).status;
    };
    const forgedToken = await tokenOf(stage, {}, newSecret());
    const statuses: number[] = [];
    while (statuses.length < 10) statuses.push(await statusOf(forgedToken, "192.0.2.66"));
    expect(statuses).toEqual([401, 401, ...Array(8).fill(429)]);
    expect(await statusOf(await tokenOf(stage), "192.0.2.1")).toBe(101);
  });
});

describe("where a public key is set", () => {
  const settings = () => ({ JWT_SECRET_FILE: "", JWT_PUBLIC_KEY_FILE: publicKeyFile.path });

  it("a token that is signed with the public key as a secret is refused", async ({ stage }) => {
    await start(stage, settings());
    const hmac = (input: string) =>
      createHmac("sha256", pair.pem).update(input).digest("base64url");
    for (const [text, status] of [
      [await tokenOf(stage, {}, pair), 101],
      [forged(stage, { alg: "HS256", typ: "JWT" }, hmac), 401],
      [await tokenOf(stage, {}, newKeyPair("one")), 401],
    ] as const) {
      const headers = { Authorization: `Bearer ${text}` };
      expect((await stage.handshake({ path: "/ws", headers })).status).toBe(status);
    }
  });
});

/** What somebody may do to a token that was issued to ann. */
type Tampering = (text: string, at: number, stage: NodeStage) => string | Promise<string>;

const parts = (text: string) => text.split(".") as [string, string, string];

const TAMPERINGS: Readonly<Record<string, Tampering>> = {
  nothing: (text) => text,
  "another letter": (text, at) => {
    const index = at % text.length;
    return `${text.slice(0, index)}${text[index] === "A" ? "B" : "A"}${text.slice(index + 1)}`;
  },
  "a letter less": (text, at) => {
    const index = at % text.length;
    return `${text.slice(0, index)}${text.slice(index + 1)}`;
  },
  "another's payload": async (text, _at, stage) => {
    const [header, , signature] = parts(text);
    return [header, parts(await tokenOf(stage, { sub: "bob" }, newSecret()))[1], signature].join(
      ".",
    );
  },
  "another's header": (text) => {
    const [, payload, signature] = parts(text);
    return [base64url({ alg: "none" }), payload, signature].join(".");
  },
  "a signature of their own": (_text, _at, stage) => tokenOf(stage, { sub: "bob" }, newSecret()),
};

describe("a session", () => {
  it("is never opened for a user whom no token of the issuer names", async ({ stage }) => {
    await start(stage);
    const tamperings = fc.constantFrom(...Object.keys(TAMPERINGS));
    const attempts = fc.record({
      user: fc.constantFrom("ann", "été", "a b", "💬", "x".repeat(256)),
      claimed: fc.constantFrom(undefined, "ann", "bob", "été"),
      tampering: tamperings,
      at: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(attempts, async ({ user, claimed, tampering, at }) => {
        const issued = await tokenOf(stage, { sub: user });
        const sent = await (TAMPERINGS[tampering] as Tampering)(issued, at, stage);
        const query = claimed === undefined ? "" : `?user_id=${encodeURIComponent(claimed)}`;
        const options = { userId: user, token: sent };
        const opened = await TestClient.open(`${stage.wsUrl}${query}`, options).then(
          (client) => client,
          () => undefined,
        );
        opened?.terminate();
        if (opened !== undefined) {
          expect(opened.welcome.userId).toBe(user);
          expect([undefined, user]).toContain(claimed);
        }
        const isRight = sent === issued && (claimed === undefined || claimed === user);
        if (isRight) expect(opened).toBeDefined();
      }),
      { numRuns: 150 },
    );
  });

  it("is closed with 4401 when its token has expired and the tolerance is over", async ({
    stage,
  }) => {
    await start(stage);
    const exp = seconds(stage) + 60;
    const short = await stage.client({ userId: "ann", token: await tokenOf(stage, { exp }) });
    const long = await stage.client({ userId: "ann", token: await tokenOf(stage) });
    await stage.pass(64_000, 1_000);
    await short.join("r");
    await stage.pass(2_000, 1_000);
    expect((await short.closed).code).toBe(CLOSE_CODES.TOKEN_EXPIRED.code);
    await long.join("r");
    const metrics = await stage.metrics();
    expect(metrics.value("connect_node_token_expiries_total")).toBe(1);
    expect(metrics.value("connect_node_closes_total", { code: "4401" })).toBe(1);
  });

  it("goes on to the end of a newer token", async ({ stage }) => {
    await start(stage);
    const exp = seconds(stage) + 60;
    const client = await stage.client({ userId: "ann", token: await tokenOf(stage, { exp }) });
    client.send({ type: "token", token: await tokenOf(stage, { exp: exp + 60 }) });
    expect(await client.frame("token_accepted")).toMatchObject({ expiresAt: (exp + 60) * 1000 });
    await stage.pass(120_000, 1_000);
    await client.join("r");
    await stage.pass(6_000, 1_000);
    expect((await client.closed).code).toBe(4401);
  });

  it("goes on to its own end if the newer one is refused", async ({ stage }) => {
    await start(stage);
    const exp = seconds(stage) + 60;
    const client = await stage.client({ userId: "ann", token: await tokenOf(stage, { exp }) });
    client.send({ type: "token", token: await tokenOf(stage, { exp: exp + 60 }, newSecret()) });
    await client.frame("error");
    await stage.pass(66_000, 1_000);
    expect((await client.closed).code).toBe(4401);
  });
});

describe("DisconnectUser that revokes tokens", () => {
  const EPOCH = "00000000000000aa";

  it("closes the user's sessions and refuses older tokens, in each place, but no newer ones", async ({
    stage,
  }) => {
    await start(stage, { JWT_MAX_SECONDS: "3600" });
    const manager = await stage.manager(EPOCH);
    const old = await tokenOf(stage);
    const [ann, bob] = [
      await stage.client({ userId: "ann", token: old }),
      await stage.client({ userId: "bob", token: await tokenOf(stage, { sub: "bob" }) }),
    ];
    stage.clock.advance(2_000);
    await manager.push({
      content: "",
      command: {
        kind: {
          $case: "disconnect",
          value: {
            userId: "ann",
            code: 4401,
            reason: "logged out",
            revokeIssuedBeforeMs: BigInt(stage.clock.now()),
          },
        },
      },
    });
    expect(await ann.closed).toEqual({ code: 4401, reason: "logged out" });
    for (const request of Object.values(PLACES)) {
      const { status, body } = await stage.handshake(request(old));
      expect(status).toBe(401);
      expect(JSON.parse(body).error.code).toBe("TOKEN_REVOKED");
    }
    await bob.join("r");
    stage.clock.advance(1_000);
    const again = await stage.client({ userId: "ann", token: await tokenOf(stage) });
    again.send({ type: "token", token: old });
    expect(await again.frame("error")).toMatchObject({ code: "TOKEN_INVALID" });
    await again.join("r");
    expect((await stage.metrics()).value("connect_node_revocations")).toBe(1);
    await stage.pass(3_600_000, 60_000);
    await stage.pass(10_000, 1_000);
    expect((await stage.metrics()).value("connect_node_revocations")).toBe(0);
  });
});

describe("a page", () => {
  const from = (origin: string | undefined) => ({ headers: { Origin: origin } });

  it("of an origin that is not listed is answered 403", async ({ stage }) => {
    await stage.start({ ALLOWED_ORIGINS: "https://app.test, https://other.test:8443" });
    for (const [origin, status] of [
      ["https://app.test", 101],
      ["https://other.test:8443", 101],
      [undefined, 101],
      ["http://app.test", 403],
      ["https://app.test:8443", 403],
      ["https://app.test.evil.test", 403],
      ["https://evil.test", 403],
      ["https://APP.test", 403],
      ["null", 403],
    ] as const) {
      const answer = await stage.handshake(from(origin));
      expect(answer.status, origin).toBe(status);
      if (status === 403) expect(JSON.parse(answer.body).error.code).toBe("ORIGIN_FORBIDDEN");
    }
  });

  it("of any origin may connect where none is listed", async ({ stage }) => {
    await stage.start();
    expect((await stage.handshake(from("https://any.test"))).status).toBe(101);
  });
});
