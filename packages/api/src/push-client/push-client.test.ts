import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { InterceptingCall, status } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import {
  clientOf,
  REPORT,
  type Refusal,
  SILENCE,
  STOPPING,
  startScriptedManager,
} from "../../test-fixtures/scripted-manager.ts";
import type { PushClientOptions } from "./options.ts";
import { createPushClient } from "./push-client.ts";
import { PushError } from "./push-error.ts";

const TRIED_AGAIN: Refusal[] = [
  STOPPING,
  { code: status.UNAVAILABLE, reason: "NO_NODES" },
  { code: status.UNAVAILABLE },
  { code: status.CANCELLED },
  { code: status.RESOURCE_EXHAUSTED, reason: "BACK_PRESSURE" },
  { code: status.RESOURCE_EXHAUSTED, reason: "RATE_LIMITED" },
];

test.for(TRIED_AGAIN)("a push is tried again with the same key after %o", async (answer) => {
  const manager = await startScriptedManager({ answers: [answer] });

  const { attempts, idempotencyKey, report } = await clientOf([manager]).pushToRoom(
    "room",
    "hello",
  );

  expect(attempts).toBe(2);
  expect(report).toEqual(REPORT);
  expect(idempotencyKey).toMatch(/^[0-9a-f-]{36}$/);
  expect(manager.pushes.map((push) => push.idempotencyKey)).toEqual([
    idempotencyKey,
    idempotencyKey,
  ]);
});

const FINAL: Refusal[] = [
  { code: status.INVALID_ARGUMENT, reason: "ROOM_INVALID" },
  { code: status.PERMISSION_DENIED, reason: "ROOM_FORBIDDEN" },
  { code: status.UNAUTHENTICATED, reason: "TOKEN_INVALID" },
  { code: status.RESOURCE_EXHAUSTED, reason: "CONTENT_TOO_LARGE" },
  { code: status.INTERNAL, reason: "INTERNAL" },
];

test.for(FINAL)("a push fails at once after %o", async (answer) => {
  const manager = await startScriptedManager({ answers: [answer] });

  const failed = clientOf([manager]).pushToRoom("room", "hello");

  await expect(failed).rejects.toThrow(PushError);
  await expect(failed).rejects.toMatchObject({
    code: status[answer.code],
    reason: answer.reason,
    message: "said by the test",
    attempts: 1,
  });
  expect(manager.pushes).toHaveLength(1);
});

test("what one push-manager refuses is tried at the other", async () => {
  const managers = [
    await startScriptedManager({ answers: [STOPPING] }),
    await startScriptedManager(),
  ];
  const pushes = clientOf(managers);
  for (const _ of [1, 2, 3]) await pushes.pushToRoom("room", "hello");

  const keys = managers.flatMap((manager) => manager.pushes.map((push) => push.idempotencyKey));
  expect(keys).toHaveLength(4);
  expect(new Set(keys).size).toBe(3);
});

test("an attempt without an answer ends by its own deadline, and another follows", async () => {
  const manager = await startScriptedManager({ answers: [SILENCE] });

  const { attempts } = await clientOf([manager], { attemptMs: 100 }).pushToRoom("room", "hello");

  expect(attempts).toBe(2);
});

test("attempts end with the call's deadline, and with the number of attempts", async () => {
  const manager = await startScriptedManager({ answers: Array(5).fill(SILENCE) });
  const pushes = clientOf([manager], { attemptMs: 50 });

  const late = pushes.pushToRoom("room", "hello", { deadlineMs: 75 });
  await expect(late).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  const once = pushes.pushToRoom("room", "hello", { maxAttempts: 1 });
  await expect(once).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED", attempts: 1 });
});

test("an ephemeral push has no key, and is sent again only if a manager says it was not taken", async () => {
  const manager = await startScriptedManager({ answers: [STOPPING, { code: status.UNAVAILABLE }] });
  const pushes = clientOf([manager]);

  const failed = pushes.pushToRoom("room", "hello", { ephemeral: true });

  await expect(failed).rejects.toMatchObject({ code: "UNAVAILABLE", reason: "", attempts: 2 });
  expect(manager.pushes.map((push) => push.idempotencyKey)).toEqual(["", ""]);
});

test("content says its own type, unless another is given", async () => {
  const manager = await startScriptedManager();
  const pushes = clientOf([manager]);
  await pushes.pushToRoom("room", "hello");
  await pushes.pushToRoom("room", Uint8Array.of(1, 2));
  await pushes.pushToRoom("room", { json: { price: 12 } });
  await pushes.pushToRoom("room", "# hello", { contentType: "text/markdown" });

  const got = manager.pushes.map(({ content, contentType }) => [contentType, content.toString()]);
  expect(got).toEqual([
    ["text/plain", "hello"],
    ["application/octet-stream", "\u0001\u0002"],
    ["application/json", '{"price":12}'],
    ["text/markdown", "# hello"],
  ]);
});

test("a function is asked for a token for each attempt", async () => {
  const manager = await startScriptedManager({ answers: [{ code: status.UNAVAILABLE }] });
  let asked = 0;
  const token = async () => `token-${++asked}`;

  await clientOf([manager], { token, insecureToken: true }).pushToRoom("room", "hello");

  expect(manager.authorizations).toEqual(["Bearer token-1", "Bearer token-2"]);
});

test("a token that does not come holds no call up", async () => {
  const manager = await startScriptedManager();
  const token = () => new Promise<string>(() => {});
  const pushes = clientOf([manager], { token, insecureToken: true, attemptMs: 50 });

  const waiting = [pushes.pushToRoom("room", "hello"), pushes.stream().pushToRoom("room", "hello")];

  for (const call of waiting) await expect(call).rejects.toMatchObject({ reason: "TOKEN_FAILED" });
  expect(manager.pushes).toEqual([]);
});

test("a token that comes after the call's deadline sends nothing", async () => {
  const manager = await startScriptedManager();
  const token = () => sleep(60, "token");
  const pushes = clientOf([manager], { token, insecureToken: true, deadlineMs: 50 });

  const late = pushes.pushToRoom("room", "hello");

  await expect(late).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  expect(manager.pushes).toEqual([]);
});

test("a token that is none stands in no error", async () => {
  const manager = await startScriptedManager();
  const pushes = clientOf([manager], { token: "secret\nsecret", insecureToken: true });

  const error: PushError = await pushes.pushToRoom("room", "hello").then(
    () => expect.fail("was answered"),
    (failed) => failed,
  );

  expect(error).toMatchObject({ code: "UNAUTHENTICATED", reason: "TOKEN_FAILED" });
  expect(`${error.stack}${error.cause}`).not.toContain("secret\nsecret");
  expect(manager.pushes).toEqual([]);
});

const BAD_OPTIONS: [string, PushClientOptions][] = [
  ["no address", { address: [] }],
  ["an empty address", { address: "" }],
  ["a token in plain text", { address: "localhost:1", token: "secret" }],
  ["a certificate without a key", { address: "localhost:1", tls: { cert: "x" } }],
  ["no certificates", { address: "localhost:1", tls: { cert: "x", key: "y" } }],
];

test.for(BAD_OPTIONS)("a client is not made with %s", ([, options]) => {
  expect(() => createPushClient(options)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", reason: "OPTIONS_INVALID" }),
  );
});

test("a signal ends a call and its attempts", async () => {
  const manager = await startScriptedManager({ answers: [SILENCE] });
  const aborter = new AbortController();
  const failed = clientOf([manager]).pushToRoom("room", "hello", { signal: aborter.signal });
  await expect.poll(() => manager.pushes).toHaveLength(1);
  aborter.abort();

  await expect(failed).rejects.toMatchObject({ code: "CANCELLED", reason: "ABORTED_BY_CALLER" });
});

test("close waits for what is under way, and takes nothing more", async () => {
  const manager = await startScriptedManager({ answers: [SILENCE] });
  const pushes = clientOf([manager], { attemptMs: 500 });
  const underWay = pushes.pushToRoom("room", "hello");
  await pushes.close();

  await expect(underWay).resolves.toMatchObject({ attempts: 2 });
  await expect(pushes.pushToRoom("room", "hello")).rejects.toMatchObject({
    code: "CANCELLED",
    reason: "CLIENT_CLOSED",
  });
});

/** Takes connections, and says nothing on them. It ends with the test. */
async function startSilence(): Promise<{ address: string }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on("error", () => {})));
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("the first push waits for the push-manager that connects, not for one that is silent or gone", async () => {
  const { address } = await startSilence();
  const manager = await startScriptedManager();
  const options = { address: [address, "127.0.0.1:1", manager.address], attemptMs: 60_000 };
  const pushes = clientOf([], options);

  // It is sent once only: nothing but a connection that is there may be used for it.
  const pushed = await pushes.pushToRoom("room", "hello", { ephemeral: true, deadlineMs: 60_000 });

  expect(pushed.attempts).toBe(1);
  expect(await clientOf([], options).stream().pushToRoom("room", "hello")).toMatchObject({
    attempts: 1,
  });
});

test("where nobody listens at any address, that is what the error says", async () => {
  const pushes = clientOf([], { address: ["127.0.0.1:1", "127.0.0.1:2"], maxAttempts: 2 });

  const failed = pushes.pushToRoom("room", "hello");

  await expect(failed).rejects.toMatchObject({ code: "UNAVAILABLE", attempts: 2 });
  await expect(failed).rejects.toThrow("ECONNREFUSED");
});

test("a signal ends a call that waits for its token", async () => {
  const manager = await startScriptedManager();
  const token = () => new Promise<string>(() => {});
  const aborter = new AbortController();
  const pushes = clientOf([manager], { token, insecureToken: true, attemptMs: 60_000 });
  const failed = pushes.pushToRoom("room", "hello", {
    signal: aborter.signal,
    deadlineMs: 60_000,
  });
  aborter.abort();

  await expect(failed).rejects.toMatchObject({ reason: "ABORTED_BY_CALLER" });
});

test("the time that a token took is part of the call's", async () => {
  const manager = await startScriptedManager();
  const token = async () => {
    const untilMs = performance.now() + 50;
    while (performance.now() < untilMs) await new Promise(setImmediate);
    return "token";
  };
  const deadlines: number[] = [];
  const pushes = clientOf([manager], {
    token,
    insecureToken: true,
    attemptMs: 60_000,
    interceptors: [
      (options, nextCall) => {
        deadlines.push(Number(options.deadline));
        return new InterceptingCall(nextCall(options));
      },
    ],
  });
  const startedAtMs = Date.now();
  await pushes.pushToRoom("room", "hello", { deadlineMs: 60_000 });

  // The clocks of both are read in whole milliseconds.
  expect((deadlines[0] ?? Number.NaN) - startedAtMs).toBeLessThanOrEqual(60_010);
});

const circle: { self?: unknown } = {};
circle.self = circle;

test.for([[circle], [1n], [undefined], [() => {}]])(
  "content that has no JSON rejects the push: %o",
  async ([json]) => {
    const manager = await startScriptedManager();
    const pushes = clientOf([manager]);
    const refused = { name: "PushError", code: "INVALID_ARGUMENT", reason: "CONTENT_INVALID" };

    await expect(pushes.pushToRoom("room", { json })).rejects.toMatchObject(refused);
    await expect(pushes.stream().pushToRoom("room", { json })).rejects.toMatchObject(refused);
    expect(manager.pushes).toEqual([]);
  },
);

test("times without end are taken, and numbers that are none refused", async () => {
  const manager = await startScriptedManager();
  const forEver = { deadlineMs: Number.POSITIVE_INFINITY, attemptMs: 1e15, keepaliveMs: 1e15 };
  const pushes = clientOf([manager], forEver);

  expect(await pushes.pushToRoom("room", "hello")).toMatchObject({ attempts: 1 });
  expect(await pushes.stream().pushToRoom("room", "hello")).toMatchObject({ attempts: 1 });

  const refused = expect.objectContaining({ reason: "OPTIONS_INVALID" });
  await expect(pushes.pushToRoom("room", "x", { deadlineMs: Number.NaN })).rejects.toEqual(refused);
  const attemptMs = "3000" as unknown as number;
  expect(() => createPushClient({ address: manager.address, attemptMs })).toThrow(refused);
});
