import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { configSchema } from "../../infra/cdk8s/src/config/schema.ts";
import { PROGRAMS } from "../../infra/images/src/bundle.ts";
import { ROOT } from "./files.ts";

/** What the script needs beside docker or buildah; there is no npm, and no git. */
const NEEDED = ["bash", "cat", "dirname", "realpath", "sed"];

type Engine = "docker" | "buildah";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pushcast-programs-"));
  for (const program of NEEDED) {
    const { stdout } = spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" });
    symlinkSync(stdout.trim(), join(folder, program));
  }
});

afterEach(() => rmSync(folder, { recursive: true }));

/** One that prints how it was called. */
function installEngine(engine: Engine): void {
  install(engine, `echo "called: ${engine} $*" >&2`);
}

function installDockerWithoutDaemon(): void {
  install("docker", "echo nobody listens >&2; exit 1");
}

function install(engine: Engine, script: string): void {
  writeFileSync(join(folder, engine), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

function buildImages(...args: readonly string[]) {
  const script = join(ROOT, "scripts/build-images.sh");
  const { status, stdout, stderr } = spawnSync(script, args, {
    encoding: "utf8",
    env: { PATH: folder },
  });
  const calls = stderr.split("\n").filter((line) => line.startsWith("called: "));
  return { status, images: stdout.split("\n").filter((line) => line !== ""), stderr, calls };
}

test("without docker and buildah, the build of images says that it needs one of them", () => {
  const { status, images, stderr } = buildImages();
  expect(status).toBe(1);
  expect(images).toEqual([]);
  expect(stderr).toContain("docker is not installed; buildah is not installed");
});

test("docker is taken where its daemon answers, for images of the names in the manifests", () => {
  installEngine("docker");
  installEngine("buildah");
  const { status, images, stderr, calls } = buildImages();
  expect(status).toBe(0);
  expect(stderr).toMatch(/^with docker\n/m);
  const { pushManager, connectNode, deletionCost } = configSchema.parse({}).images;
  expect(images).toEqual([pushManager, connectNode, deletionCost]);
  const builds = calls.filter((call) => call.startsWith("called: docker build "));
  expect(builds).toHaveLength(images.length);
});

test("buildah is taken where docker has no daemon, which is said", () => {
  installDockerWithoutDaemon();
  installEngine("buildah");
  const { status, stderr, calls } = buildImages("connect-node");
  expect(status).toBe(0);
  expect(stderr).toContain("with buildah (docker has no daemon (nobody listens))");
  expect(calls).toHaveLength(1);
  expect(calls[0]).toContain("--file services/connect-node/Dockerfile .");
});

test("each image is built by a Dockerfile that is there", () => {
  installEngine("buildah");
  const files = buildImages().calls.map((call) => /--file (\S+) \.$/.exec(call)?.[1] ?? "none");
  expect(files).toHaveLength(PROGRAMS.length);
  for (const file of files) expect(existsSync(join(ROOT, file)), file).toBe(true);
});

test("an engine that was asked for and does not work is not replaced by another", () => {
  installDockerWithoutDaemon();
  installEngine("buildah");
  const { status, stderr, calls } = buildImages("--engine", "docker");
  expect(status).toBe(1);
  expect(stderr).toBe("build-images.sh: docker has no daemon (nobody listens)\n");
  expect(calls).toEqual([]);
});

test("flags say what the images are called, what they are based on and how npm gets its packages", () => {
  installEngine("buildah");
  const npmrc = join(folder, "npmrc");
  writeFileSync(npmrc, "");
  const flags = ["--repository", "registry.test/team", "--tag", "7", "--base", "node:test"];
  const { images, calls } = buildImages(
    ...flags,
    "--npmrc",
    npmrc,
    "push-manager",
    "--",
    "--no-cache",
  );
  expect(images).toEqual(["registry.test/team/push-manager:7"]);
  expect(calls[0]).toContain("--tag registry.test/team/push-manager:7 ");
  expect(calls[0]).toContain("--build-arg BASE=node:test ");
  expect(calls[0]).toContain(`--secret id=npmrc,src=${npmrc} `);
  expect(calls[0]).toContain(" --no-cache ");
});

test.each([
  { args: ["--tag"], problem: "--tag needs a value" },
  { args: ["--engine", "podman"], problem: "--engine must be docker or buildah, not podman" },
  { args: ["--npmrc", "nowhere"], problem: "--npmrc: cannot read nowhere" },
  { args: ["gateway"], problem: "unknown argument gateway" },
])("wrong arguments are refused by name: $problem", ({ args, problem }) => {
  installEngine("buildah");
  const { status, stderr, calls } = buildImages(...args);
  expect(status).toBe(1);
  expect(stderr).toContain(`build-images.sh: ${problem}\n`);
  expect(calls).toEqual([]);
});
