import type { ClientState, Message } from "@pushcast/client";
import { expect, test } from "vitest";
import { gapJson, gapWords, messageJson, messageWords } from "./message-words.ts";
import { closedProblem } from "./problems.ts";
import { stateJson, stateWords } from "./state-words.ts";

const output = { style: (_style: string, text: string) => text };
const AT = new Date(2026, 0, 1, 9, 5, 3, 7).getTime();
const FRAME = { id: "00-1", at: AT, ephemeral: false } as const;
const URL = "ws://node/ws";

const TEXT: Message = {
  ...FRAME,
  target: "room",
  room: "lobby",
  contentType: "text/plain",
  kind: "text",
  content: "a\nb",
};
const BYTES: Message = {
  ...FRAME,
  target: "user",
  contentType: "audio/ogg",
  kind: "binary",
  content: Uint8Array.of(0, 255),
  ephemeral: true,
  key: "k",
};
const JSON_TO_ALL: Message = {
  ...FRAME,
  target: "all",
  contentType: "application/json",
  kind: "json",
  content: { a: "\u001b[2J" },
};

test("a message is one line: when, for whom, what", () => {
  expect(messageWords(TEXT, output)).toBe("09:05:03.007  lobby  a\\nb");
  expect(messageWords(BYTES, output)).toBe("09:05:03.007  (user)  (2 bytes of audio/ogg)");
  expect(messageWords(JSON_TO_ALL, output)).toBe('09:05:03.007  (all)  {"a":"\\u001b[2J"}');
});

test("a message is an object like the protocol's frame", () => {
  expect(messageJson(TEXT)).toEqual({
    type: "message",
    id: "00-1",
    room: "lobby",
    target: "room",
    content_type: "text/plain",
    content: "a\nb",
    at: AT,
  });
  expect(messageJson(BYTES)).toMatchObject({
    content: "AP8=",
    encoding: "base64",
    key: "k",
    ephemeral: true,
  });
});

test("a gap says where messages may be missing", () => {
  const self = { reason: "lost" } as Parameters<typeof gapWords>[0];
  const room = { reason: "away", room: "lobby" } as Parameters<typeof gapWords>[0];
  expect(gapWords(room, output)).toBe("-- gap: lobby: messages may be missing here (away) --");
  expect(gapWords(self, output)).toBe("-- gap: messages may be missing here (lost) --");
  expect(gapJson(room)).toEqual({ type: "gap", room: "lobby", reason: "away" });
});

const LOST = {
  state: "closed",
  code: 1006,
  name: "LOST",
  reason: "",
  retry: true,
  retryInMs: 1_234.5,
} as const satisfies ClientState;

test("a connection that ended says why, and when the next is tried", () => {
  const node = { sessionId: "s", userId: "ann", nodeId: "node-1" };
  expect(stateWords({ state: "open", ...node }, undefined)).toBe("connected to node-1 as ann");
  expect(stateWords({ state: "connecting" }, undefined)).toBeUndefined();
  expect(stateWords(LOST, undefined)).toBe("no connection (1006 LOST); trying again in 1.2 s");
  const failure = { kind: "refused", status: 503, code: "NODE_FULL", message: "" } as const;
  expect(stateWords(LOST, failure)).toBe("no connection (NODE_FULL); trying again in 1.2 s");
  expect(stateJson(LOST)).toEqual({
    type: "state",
    state: "closed",
    code: 1006,
    name: "LOST",
    reason: "",
    retry: true,
    retry_in_ms: 1235,
  });
});

test("it gives up only where trying again is no use", () => {
  const refused = (status: number, code: string) =>
    ({ kind: "refused", status, code, message: "so" }) as const;
  const unreachable = { kind: "unreachable", message: "connect ECONNREFUSED" } as const;
  const problem = (failure: Parameters<typeof closedProblem>[1]["failure"], wasOpen: boolean) =>
    closedProblem(LOST, { failure, wasOpen, url: URL });

  expect(problem(unreachable, true)).toBeUndefined();
  expect(problem(undefined, true)).toBeUndefined();
  expect(problem(refused(503, "NODE_DRAINING"), false)).toBeUndefined();
  expect(problem(refused(429, "TOO_MANY_HANDSHAKES"), true)).toBeUndefined();
  expect(problem(unreachable, false)).toMatchObject({ code: "UNAVAILABLE", exitCode: 69 });
  expect(problem(undefined, false)).toMatchObject({ code: "UNAVAILABLE", exitCode: 69 });
  expect(problem(refused(401, "TOKEN_EXPIRED"), true)).toMatchObject({
    code: "TOKEN_EXPIRED",
    exitCode: 77,
  });
  expect(problem(refused(502, ""), true)).toBeUndefined();
  expect(problem(refused(502, ""), false)).toMatchObject({ code: "HTTP_502", exitCode: 69 });
  const expired = { ...LOST, code: 4401, name: "TOKEN_EXPIRED", retry: false } as const;
  expect(closedProblem(expired, { failure: undefined, wasOpen: true, url: URL })).toMatchObject({
    code: "TOKEN_EXPIRED",
    exitCode: 77,
  });
});
