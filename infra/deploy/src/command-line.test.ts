import { describe, expect, test } from "vitest";
import { readCommandLine } from "./command-line.ts";
import { DeployError, ExitCode } from "./deploy-error.ts";

describe("the command line", () => {
  test.each([[["--help"]], [["status", "-h"]]])("explains itself on %j", (args) => {
    expect(readCommandLine(args)).toEqual({
      name: "print",
      text: expect.stringMatching(/^Usage: pushcast-deploy /),
    });
  });

  test("applies a profile unless it is told otherwise", () => {
    expect(readCommandLine(["--profile", "dev"])).toEqual({
      name: "apply",
      source: { kind: "profile", profile: "dev" },
      mode: "apply",
      exitCode: false,
      forceConflicts: false,
      timeoutMs: 600_000,
      patienceMs: 60_000,
      context: undefined,
      kubeconfig: undefined,
    });
  });

  test.each([
    [["apply", "--config", "own.ts"], { kind: "config", file: "own.ts", profile: undefined }],
    [
      ["--profile", "prod", "--config", "own.ts"],
      { kind: "config", file: "own.ts", profile: "prod" },
    ],
    [["--manifests", "out"], { kind: "folder", folder: "out" }],
  ])("takes the manifests from where %j says", (args, source) => {
    expect(readCommandLine(args)).toMatchObject({ name: "apply", source });
  });

  test.each([
    [["--dry-run"], "dry-run"],
    [["--diff"], "diff"],
    [["--dry-run", "--diff"], "diff"],
  ])("changes nothing with %j", (options, mode) => {
    expect(readCommandLine(["--profile", "dev", ...options])).toMatchObject({ mode });
  });

  test.each([
    ["90", 90_000],
    ["90s", 90_000],
    ["10m", 600_000],
    ["1h", 3_600_000],
  ])("reads %s as a time", (text, timeoutMs) => {
    expect(readCommandLine(["--profile", "dev", "--timeout", text])).toMatchObject({ timeoutMs });
  });

  test("looks at and deletes the namespace pushcast, or another one", () => {
    expect(readCommandLine(["status"])).toMatchObject({ name: "status", namespace: "pushcast" });
    expect(
      readCommandLine(["delete", "--yes", "--with-data", "--namespace", "live"]),
    ).toMatchObject({ name: "delete", namespace: "live", withData: true });
  });

  test.each([
    [[], "what to apply is missing"],
    [["--manifests", "out", "--profile", "dev"], "--manifests stands alone"],
    [["install"], 'unknown command "install"'],
    [["--profle", "dev"], "'--profle'"],
    [["--profile"], "'--profile <value>' argument missing"],
    [["--profile", "dev", "now"], "'now'"],
    [["--profile", "dev", "--timeout", "soon"], "--timeout takes a time"],
    [["--profile", "dev", "--patience", "-1"], "--patience"],
    [["--profile", "dev", "--exit-code"], "--exit-code is of use with --diff only"],
    [["status", "--profile", "dev"], "'--profile'"],
    [["delete"], "confirm with --yes"],
  ])("refuses %j", (args, words) => {
    let thrown: unknown;
    try {
      readCommandLine(args);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(DeployError);
    expect(thrown).toMatchObject({
      exitCode: ExitCode.USAGE,
      message: expect.stringContaining(words),
    });
  });
});
