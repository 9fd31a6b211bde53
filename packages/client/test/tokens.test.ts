import { describe, expect, it } from "vitest";
import type { ConnectOptions } from "../src/index.ts";
import { FakeClock } from "../src/testing/index.ts";
import { A, answerResume, Scene } from "./scene.ts";
import { settle } from "./scripted-server.ts";

const HOUR_MS = 3_600_000;
/** Where the clock of a scene begins. */
const NOW_MS = Date.UTC(2025, 0, 1);

/** A JSON Web Token that nobody has signed. */
function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ sub: "anna ÿ", ...claims })}.`;
}

function tokenOf(issuedAtMs: number, lifeMs = HOUR_MS, more: object = {}): string {
  return jwt({ iat: issuedAtMs / 1000, exp: (issuedAtMs + lifeMs) / 1000, ...more });
}

/** A client that is given these tokens, one at each call, and the last one from then on. */
function sceneWith(tokens: (string | Error)[], options: Partial<ConnectOptions> = {}) {
  const calls: string[] = [];
  const scene = new Scene({
    token: async () => {
      const [next = "none"] = tokens.length > 1 ? tokens.splice(0, 1) : tokens;
      calls.push(String(next));
      if (next instanceof Error) throw next;
      return next;
    },
    ...options,
  });
  scene.server.onConnection = (connection) => {
    connection.onFrame = ({ type }) => {
      if (type === "ping") connection.send({ type: "pong" });
    };
  };
  const sent = () => scene.connection.received.filter(({ type }) => type === "token");
  return { scene, calls, sent };
}

describe("a token that expires", () => {
  it("is replaced on the open connection half a minute before, and so is each that follows", async () => {
    const [first, second, third] = [0, 1, 2].map((n) => tokenOf(NOW_MS + n * HOUR_MS));
    const { scene, sent } = sceneWith([first ?? "", second ?? "", third ?? ""]);
    await scene.welcome();
    scene.clock.advance(HOUR_MS - 30_000);
    await settle();
    expect(sent()).toEqual([{ type: "token", token: second }]);
    scene.connection.send({ type: "token_accepted", expires_at: NOW_MS + 2 * HOUR_MS });
    scene.clock.advance(HOUR_MS);
    await settle();
    expect(sent()).toHaveLength(2);
    expect(scene.server.connections).toHaveLength(1);
    expect(scene.client.state.state).toBe("open");
  });

  it("of ten years is not asked for anew before its time, though timers end at 24 days", async () => {
    const clock = new FakeClock();
    const waits: number[] = [];
    const { setTimeout } = clock;
    clock.setTimeout = (fn, ms) => {
      waits.push(ms);
      return setTimeout.call(clock, fn, ms);
    };
    const lifeMs = 10 * 365 * 24 * HOUR_MS;
    const { scene, calls } = sceneWith([tokenOf(NOW_MS, lifeMs), "next"], { clock });
    await scene.welcome();
    expect(Math.max(...waits)).toBe(2 ** 31 - 1);
    expect(calls).toHaveLength(1);
  });

  it("counts as new where the device's clock cannot be right", async () => {
    for (const wrongMs of [-5 * HOUR_MS, 5 * HOUR_MS]) {
      const { scene, sent } = sceneWith([tokenOf(NOW_MS + wrongMs), "next"]);
      await scene.welcome();
      scene.clock.advance(HOUR_MS - 30_001);
      await settle();
      expect(sent()).toEqual([]);
      scene.clock.advance(1);
      await settle();
      expect(sent()).toEqual([{ type: "token", token: "next" }]);
      scene.client.close();
    }
  });

  it("is asked for again, ever later, while the app has no other or the server takes none", async () => {
    const old = tokenOf(NOW_MS);
    const { scene, calls, sent } = sceneWith([old, old, new Error("no login"), "bad", "good"]);
    const connection = await scene.welcome();
    const next = async (ms: number) => {
      scene.clock.advance(ms);
      await settle();
    };
    await next(HOUR_MS - 30_000);
    expect(calls).toEqual([old, old]);
    await next(5_000);
    expect(scene.warnings).toMatchObject([
      { code: "TOKEN_FAILED", cause: { message: "no login" } },
    ]);
    await next(5_000);
    expect(sent()).toEqual([{ type: "token", token: "bad" }]);
    connection.send({ type: "error", code: "TOKEN_INVALID", message: "no" });
    expect(scene.warnings.at(-1)).toMatchObject({ code: "FRAME_REFUSED" });
    await next(5_000);
    expect(sent().at(-1)).toEqual({ type: "token", token: "good" });
    scene.client.close();
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it("is not renewed where the server takes no tokens, or nobody can say when it expires", async () => {
    const { scene, calls, sent } = sceneWith([tokenOf(NOW_MS), "next"]);
    const connection = await scene.welcome();
    scene.clock.advance(HOUR_MS);
    await settle();
    connection.send({ type: "error", code: "BAD_REQUEST", message: "no tokens here" });
    scene.clock.advance(HOUR_MS);
    await settle();
    expect(sent()).toHaveLength(1);
    expect(calls).toHaveLength(2);
    const opaque = sceneWith(["opaque"]);
    await opaque.scene.welcome();
    scene.clock.advance(10 * HOUR_MS);
    expect(opaque.calls).toEqual(["opaque"]);
  });
});

describe("a token function", () => {
  it("that gives what cannot be a token is warned of, without the token", async () => {
    const { scene } = sceneWith(["Bearer secret", "secret"]);
    await settle();
    expect(scene.server.connections).toEqual([]);
    expect(scene.warnings).toMatchObject([
      { code: "CONNECT_FAILED", cause: expect.any(TypeError) },
    ]);
    expect(String(scene.warnings[0]?.cause)).not.toContain("secret");
    await scene.untilRetried();
    expect(scene.connection.protocols).toContain("pushcast.token.secret");
  });

  it("that answers only after it was called again does not count", async () => {
    const given: ((token: string) => void)[] = [];
    const scene = new Scene({ token: () => new Promise<string>((resolve) => given.push(resolve)) });
    const answer = async (call: number, token: string) => {
      given[call]?.(token);
      await settle();
    };
    await settle();
    scene.clock.advance(10_000);
    expect(scene.client.state).toMatchObject({ reason: "no welcome in time", retry: true });
    scene.clock.advance(500);
    await settle();
    await answer(1, "second");
    await answer(0, "first");
    expect(scene.server.connections).toHaveLength(1);
    (await scene.welcome()).close(4401);
    scene.clock.advance(500);
    await settle();
    await answer(2, "second");
    expect(scene.client.state).toMatchObject({ name: "TOKEN_REFUSED", retry: false });
  });

  it("may close the client, at any time", async () => {
    const tokens = [tokenOf(NOW_MS), tokenOf(NOW_MS + 1)];
    const scene: Scene = new Scene({
      token: () => {
        const token = tokens.shift() ?? "";
        if (tokens.length === 0) scene.client.close();
        return token;
      },
    });
    const connection = await scene.welcome();
    connection.onFrame = ({ type }) => {
      if (type === "ping") connection.send({ type: "pong" });
    };
    scene.clock.advance(HOUR_MS - 30_000);
    await settle();
    expect(scene.server.connections).toHaveLength(1);
    expect(connection.received.map(({ type }) => type)).not.toContain("token");
    expect(scene.client.state).toMatchObject({ name: "NORMAL", retry: false });
    expect(scene.clock.pendingTimers).toBe(0);
  });
});

describe("a close with 4401", () => {
  it("is followed by a connection with a new token, which resumes", async () => {
    const { scene } = sceneWith(["old", "new"]);
    const first = await scene.welcome({ [A]: 3 });
    first.close(4401, "expired");
    expect(scene.client.state).toMatchObject({ name: "TOKEN_EXPIRED", retry: true });
    await scene.untilRetried();
    const second = await scene.welcome({ [A]: 9 });
    expect(second.protocols).toContain("pushcast.token.new");
    answerResume(second, { position: { [A]: 3 }, recovered: true });
    expect(scene.client.state.state).toBe("open");
  });

  it("is the end when the app has no other token", async () => {
    const { scene } = sceneWith(["old", "old", "newer"]);
    (await scene.welcome()).close(4401);
    scene.clock.advance(500);
    await settle();
    expect(scene.client.state).toMatchObject({ code: 4401, name: "TOKEN_REFUSED", retry: false });
    expect(scene.server.connections).toHaveLength(1);
    expect(scene.clock.pendingTimers).toBe(0);
    scene.client.reconnect();
    expect((await scene.welcome()).protocols).toContain("pushcast.token.newer");
  });

  it("is the end when the server refuses the new token as well", async () => {
    const { scene } = sceneWith(["one", "two", "three"]);
    (await scene.welcome()).close(4401);
    await scene.untilRetried();
    (await scene.welcome()).close(4401, "revoked");
    expect(scene.client.state).toMatchObject({
      code: 4401,
      name: "TOKEN_REFUSED",
      reason: "revoked",
      retry: false,
    });
  });

  it("is no refusal of a token that was good for a while", async () => {
    const { scene } = sceneWith(["one", "two", "three", "four"]);
    for (let life = 0; life < 3; life += 1) {
      await scene.welcome();
      scene.clock.advance(30_000);
      scene.connection.close(4401);
      await scene.untilRetried();
    }
    await scene.welcome();
    expect(scene.connection.protocols).toContain("pushcast.token.four");
  });

  it("is the end where the token is no function", async () => {
    const scene = new Scene({ token: "one" });
    (await scene.welcome()).close(4401);
    expect(scene.client.state).toMatchObject({ name: "TOKEN_EXPIRED", retry: false });
  });
});
