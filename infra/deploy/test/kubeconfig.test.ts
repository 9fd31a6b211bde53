import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeployError, ExitCode } from "../src/deploy-error.ts";
import { type Access, type KubeconfigOptions, readKubeconfig } from "../src/kubeconfig.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pushcast-kubeconfig-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function config(name: string, overrides: object = {}): object {
  return {
    "current-context": name,
    contexts: [{ name, context: { cluster: `${name}-cluster`, user: `${name}-user` } }],
    clusters: [{ name: `${name}-cluster`, cluster: { server: `https://${name}:6443/` } }],
    users: [{ name: `${name}-user`, user: { token: "t" } }],
    ...overrides,
  };
}

function write(name: string, content: object | string): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

function read(options: Partial<KubeconfigOptions>): Omit<Access, "kubeConfig"> {
  const { kubeConfig: _, ...access } = readKubeconfig({ env: { HOME: folder }, ...options });
  return access;
}

function problemOf(options: Partial<KubeconfigOptions>): string {
  try {
    read(options);
  } catch (error) {
    expect(error).toBeInstanceOf(DeployError);
    expect(error).toMatchObject({ exitCode: ExitCode.CONFIG });
    return (error as DeployError).message;
  }
  return "none";
}

const A = { context: "a", server: "https://a:6443", user: "a-user" };
const B = { context: "b", server: "https://b:6443", user: "b-user" };

describe("the kubeconfig", () => {
  test("is the file that is named, before all others", () => {
    const env = { KUBECONFIG: write("b", config("b")) };

    expect(read({ file: write("a", config("a")), env })).toEqual(A);
  });

  test("is that of KUBECONFIG, else that in the home folder", () => {
    mkdirSync(join(folder, ".kube"));
    write(".kube/config", config("a"));

    expect(read({})).toEqual(A);
    expect(read({ env: { HOME: folder, KUBECONFIG: write("b", config("b")) } })).toEqual(B);
  });

  test("is merged from all files of KUBECONFIG, the first one's context being the current one", () => {
    const files = [write("a", config("a")), join(folder, "missing"), write("b", config("b"))];
    const env = { KUBECONFIG: files.join(delimiter) };

    expect(read({ env })).toEqual(A);
    expect(read({ env, context: "b" })).toEqual(B);
  });

  test("may be YAML", () => {
    const yaml = `
current-context: a
contexts: [{ name: a, context: { cluster: c } }]
clusters: [{ name: c, cluster: { server: "https://a:6443" } }]
`;
    expect(read({ file: write("a", yaml) })).toEqual({ ...A, user: "nobody" });
  });
});

describe("a kubeconfig is refused", () => {
  test("that does not exist", () => {
    const file = join(folder, "missing");

    expect(problemOf({ file })).toBe(`the kubeconfig ${file} does not exist`);
    expect(problemOf({ env: { KUBECONFIG: file } })).toBe(`the kubeconfig ${file} does not exist`);
    expect(problemOf({})).toMatch(/^there is no kubeconfig: set KUBECONFIG, or name a file/);
  });

  test.each([
    ["is empty", "", "it is not a mapping"],
    ["is no YAML", "a: [", "Flow sequence in block collection must be"],
    ["lacks a name", config("a", { clusters: [{}] }), "clusters[0].name is missing"],
  ])("that %s", (_, content, problem) => {
    const file = write("a", content);

    expect(problemOf({ file })).toContain(`the kubeconfig ${file} is broken: ${problem}`);
  });

  test.each([
    ["no current context", { "current-context": "" }, "choose one with --context (it has a)"],
    ["a context that it does not have", { "current-context": "x" }, 'no context "x": it has a'],
    ["a cluster that it does not have", { clusters: [] }, 'the cluster "a-cluster", which'],
    ["a user that it does not have", { users: [] }, 'the user "a-user", which'],
    [
      "a server that is no URL",
      { clusters: [{ name: "a-cluster", cluster: { server: "a:6443" } }] },
      "is not an http:// or https:// URL: a:6443",
    ],
    [
      "an http:// server without saying that it is meant",
      { clusters: [{ name: "a-cluster", cluster: { server: "http://a" } }] },
      "which needs insecure-skip-tls-verify: true",
    ],
  ])("that names %s", (_, overrides, problem) => {
    expect(problemOf({ file: write("a", config("a", overrides)) })).toContain(problem);
  });
});
