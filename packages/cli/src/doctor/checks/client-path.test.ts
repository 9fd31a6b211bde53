import { describe, expect, test } from "vitest";
import type { SocketOpening } from "../probes/web-socket.ts";
import { checkSocket } from "./client-path.ts";
import { checkTestPush, type TestPush } from "./test-push.ts";

describe("a handshake that was refused", () => {
  const advice = (refusal: Partial<SocketOpening & { opened: false }>) => {
    const [finding] = checkSocket({ opened: false, problem: "refused", ...refusal });
    expect(finding).toMatchObject({ check: "client-handshake", status: "fail" });
    return finding && "advice" in finding ? `${finding.found} → ${finding.advice}` : "";
  };

  test.each([
    [{ status: 401, code: "TOKEN_MISSING" }, /^401 TOKEN_MISSING: .*PUSHCAST_CLIENT_TOKEN/],
    [{ status: 503, code: "NODE_FULL", retryAfterSeconds: 4 }, /Retry-After 4 s → .*MAX_SESSIONS/],
    [{ status: 503, code: "NODE_STARTING" }, /health check be \/readyz/],
    [{ status: 503, server: "nginx" }, /^503 by nginx: .*no node that is ready behind it/],
    [{ status: 404, server: "nginx" }, /host and path of --url/],
    [{}, /^refused → No HTTP answer/],
  ])("%j", (refusal, expected) => {
    expect(advice(refusal)).toMatch(expected);
  });
});

describe("a test push", () => {
  const report = {
    nodesTotal: 2,
    nodesAcked: 2,
    nodesMatched: 1,
    sessionsDelivered: 1,
    sessionsLagging: 0,
    nodesDuplicate: 0,
    failures: [],
  };
  const push: TestPush = { report, answeredMs: 3, arrivedMs: 2, copies: 1 };
  const faults = (changes: Partial<TestPush>) =>
    checkTestPush({ ...push, ...changes })
      .filter(({ status }) => status !== "ok")
      .map(({ check, status, found }) => `${check} ${status}: ${found}`);

  test("that arrived once, as the report says, has no fault", () => {
    expect(faults({})).toEqual([]);
  });

  test.each([
    [
      { copies: 0, arrivedMs: undefined },
      /^test-push-arrived fail: the report says 1 session, the client got it 0 times$/,
    ],
    [{ copies: 2 }, /^test-push-arrived fail: .*got it 2 times$/],
    [{ report: { ...report, sessionsDelivered: 2 } }, /^test-push-arrived fail: .*says 2 sessions/],
    [{ arrivedMs: 1_500 }, /^test-push-time warn: 1500\.0 ms/],
    [
      {
        report: {
          ...report,
          nodesAcked: 1,
          failures: [{ nodeId: "node-2", reason: "DEADLINE" as const, message: "" }],
        },
      },
      /^test-push-report fail: 1 of 2 .*node-2 DEADLINE$/,
    ],
  ])("%j", (changes, fault) => {
    expect(faults(changes)).toEqual([expect.stringMatching(fault)]);
  });
});
