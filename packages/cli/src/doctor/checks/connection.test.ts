import { describe, expect, test } from "vitest";
import type { SeenCertificate } from "../probes/dial.ts";
import { checkCertificate, checkConnection } from "./connection.ts";

const NOW_MS = Date.parse("2026-03-01T00:00:00Z");
const DAY_MS = 86_400_000;

const thing = {
  prefix: "manager",
  address: "push.example.com:50051",
  addressOption: "--manager",
  caOption: "--ca",
  plainOption: "without --tls",
  serverName: "push.example.com",
};

const certificate: SeenCertificate = {
  subject: "push.example.com",
  names: "DNS:push.example.com",
  validFromMs: NOW_MS - DAY_MS,
  validToMs: NOW_MS + 90 * DAY_MS,
  problem: undefined,
};

describe("a certificate", () => {
  test.each([
    ["that is trusted and new", {}, "ok", "is trusted and ends on 2026-05-30"],
    ["that ends in 13 days", { validToMs: NOW_MS + 13.5 * DAY_MS }, "warn", "in 13 days"],
    ["that ends tomorrow", { validToMs: NOW_MS + 1.5 * DAY_MS }, "warn", "in 1 day"],
    ["that has ended", { validToMs: NOW_MS - 1 }, "fail", "ended on 2026-02-28"],
    ["that has not begun", { validFromMs: NOW_MS + DAY_MS }, "fail", "begins only on 2026-03-02"],
    [
      "for another name",
      { problem: "ERR_TLS_CERT_ALTNAME_INVALID", names: "DNS:other.example" },
      "fail",
      "is not for push.example.com, but for DNS:other.example",
    ],
    [
      "of a CA that is not known",
      { problem: "SELF_SIGNED_CERT_IN_CHAIN" },
      "fail",
      "is not trusted: SELF_SIGNED_CERT_IN_CHAIN",
    ],
  ])("%s", (_what, changes, status, found) => {
    const finding = checkCertificate(thing, { ...certificate, ...changes }, NOW_MS);
    expect(finding).toMatchObject({ check: "manager-certificate", status });
    expect(finding.found).toContain(found);
  });

  test("that has ended is told so, whatever else is wrong with it", () => {
    const both = { ...certificate, validToMs: NOW_MS - 1, problem: "CERT_HAS_EXPIRED" };
    expect(checkCertificate(thing, both, NOW_MS).found).toMatch(/ended on/);
  });
});

test("a connection is judged up to where it came", () => {
  const judged = (dialled: Parameters<typeof checkConnection>[1]) =>
    checkConnection(thing, dialled, NOW_MS).map(({ check, status }) => `${check} ${status}`);

  expect(judged({ step: "dns", problem: "ENOTFOUND" })).toEqual(["manager-reachable fail"]);
  expect(judged({ step: "tcp", problem: "ECONNREFUSED" })).toEqual(["manager-reachable fail"]);
  expect(judged({ step: "tls", problem: "wrong version number", isPlain: true })).toEqual([
    "manager-reachable ok",
    "manager-tls fail",
  ]);
  const done = { step: "done", address: "192.0.2.1", connectMs: 1 } as const;
  expect(judged({ ...done, certificate: undefined })).toEqual(["manager-reachable ok"]);
  expect(judged({ ...done, certificate })).toEqual([
    "manager-reachable ok",
    "manager-certificate ok",
  ]);
});
