import { PushError } from "@pushcast/api";
import { expect, test } from "vitest";
import { CliError } from "../frame/cli-error.ts";
import { managerProblem } from "./manager-problem.ts";

const CONNECTION = { address: "manager:50051", hasTls: true, timeoutMs: 5_000 };

test.each([
  ["UNAVAILABLE", "NO_NODES", 69, /registry/],
  ["UNAVAILABLE", "STOPPING", 69, /another push-manager/],
  ["RESOURCE_EXHAUSTED", "BACK_PRESSURE", 75, /pushcast nodes/],
  ["RESOURCE_EXHAUSTED", "CONTENT_TOO_LARGE", 65, /MAX_CONTENT_BYTES/],
  ["UNAUTHENTICATED", "CERTIFICATE_MISSING", 77, /--cert FILE --key FILE/],
  ["UNAUTHENTICATED", "CERTIFICATE_UNKNOWN", 77, /PUSH_TOKENS_FILE/],
  ["INVALID_ARGUMENT", "OPTIONS_INVALID", 78, undefined],
  ["INTERNAL", "", 1, undefined],
] as const)("%s %s ends with %d, and says what to do", (code, reason, exitCode, hint) => {
  const problem = managerProblem(new PushError(code, reason, "so it is"), CONNECTION);
  expect(problem).toBeInstanceOf(CliError);
  expect(problem).toMatchObject({ code: reason || code, exitCode });
  expect((problem as CliError).message).toContain("so it is");
  if (hint !== undefined) expect((problem as CliError).hint).toMatch(hint);
});

test.each([
  ["connect ECONNREFUSED 10.0.0.1:50051", "nobody listens there", /pushcast dev/],
  ["self-signed certificate in certificate chain", "not trusted", /--ca FILE/],
  ["certificate has expired", "its certificate has expired", /renewed/],
  ["ssl/tls alert certificate required", "or asks for one", /--cert FILE --key FILE/],
  ["read ECONNRESET", "it ended the connection", /--cert FILE --key FILE/],
  ["something new", "something new", /^$/],
])("what the network says is said in words: %s", (message, words, hint) => {
  const problem = managerProblem(new PushError("UNAVAILABLE", "", message), CONNECTION) as CliError;
  expect(problem.message).toMatch(/^cannot reach the push-manager at manager:50051: /);
  expect(problem.message).toContain(words);
  expect(problem.hint).toMatch(hint);
});

test("a fault of the program stays one", () => {
  const fault = new TypeError("x is undefined");
  expect(managerProblem(fault, CONNECTION)).toBe(fault);
});
