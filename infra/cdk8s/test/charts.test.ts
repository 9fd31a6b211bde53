import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Yaml } from "cdk8s";
import { expect, onTestFinished, test } from "vitest";
import { resolveConfig } from "../src/config/load.ts";
import { PROFILES } from "../src/config/profiles.ts";
import { writeManifests } from "../src/write-manifests.ts";
import { manifestsOf } from "./support/manifests.ts";

const ROOT = join(import.meta.dirname, "../../..");
const PROFILE_NAMES = Object.keys(PROFILES);

/** A process of its own takes about 4 s on two cores. */
const PROCESS_TIMEOUT_MS = 120_000;

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pushcast-charts-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Text by file name. */
function filesOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}

/** Runs a command without any network where this machine allows to cut it off, else with it. */
function runOffline(folder: string, command: string, args: readonly string[], env = {}): void {
  const cut = [["unshare", "--net"], ["unshare", "--map-root-user", "--net"], []].find(
    ([program, ...options]) =>
      program === undefined || spawnSync(program, [...options, "true"]).status === 0,
  );
  const [program = command, ...rest] = [...(cut ?? []), command, ...args];
  const { status, stdout, stderr } = spawnSync(program, rest, {
    cwd: join(ROOT, folder),
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stdout}${stderr}`);
}

test.each(PROFILE_NAMES)("charts/%s is what is synthesized now", (profile) => {
  const fresh = temporaryFolder();
  writeManifests(resolveConfig(profile), fresh);

  expect(filesOf(join(ROOT, "charts", profile))).toEqual(filesOf(fresh));
});

test.each(PROFILE_NAMES)("the YAML of %s says what the objects say", (profile) => {
  const folder = join(ROOT, "charts", profile);
  const read = Object.keys(filesOf(folder)).flatMap((name) => Yaml.load(join(folder, name)));

  expect(read).toEqual(manifestsOf(resolveConfig(profile)));
});

test("the namespace is in the file that is applied first, and each workload in one of its own", () => {
  expect(Object.keys(filesOf(join(ROOT, "charts/dev")))).toEqual([
    "00-namespace.k8s.yaml",
    "10-network.k8s.yaml",
    "20-etcd.k8s.yaml",
    "30-push-manager.k8s.yaml",
    "40-connect-node.k8s.yaml",
  ]);
});

test("manifests of an earlier synth that are no more are removed, and other files are not", () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "99-old.k8s.yaml"), "");
  writeFileSync(join(folder, "notes.txt"), "mine");
  writeManifests(resolveConfig("dev", { network: { policies: false } }), folder);

  const names = Object.keys(filesOf(folder));
  expect(names).not.toContain("99-old.k8s.yaml");
  expect(names).not.toContain("10-network.k8s.yaml");
  expect(names).toContain("notes.txt");
});

test("a configuration that is refused leaves what was written before", () => {
  const folder = temporaryFolder();
  writeManifests(resolveConfig("dev"), folder);
  const before = filesOf(folder);
  const bad = resolveConfig("dev", { connectNode: { resources: { memory: "1Mi" } } });

  expect(() => writeManifests(bad, folder)).toThrow("1Mi is less than");
  expect(filesOf(folder)).toEqual(before);
});

test(
  "`npm run synth` needs no network, and writes the same bytes twice",
  () => {
    const [first, second] = [temporaryFolder(), temporaryFolder()];
    for (const folder of [first, second]) {
      runOffline(".", "npm", ["run", "synth", "--", "--profile", "prod", "--out", folder]);
    }

    expect(filesOf(first)).toEqual(filesOf(join(ROOT, "charts/prod")));
    expect(filesOf(second)).toEqual(filesOf(first));
  },
  PROCESS_TIMEOUT_MS,
);

test(
  "`cdk8s synth` needs no network, and writes the same",
  () => {
    const folder = temporaryFolder();
    const cdk8s = join(ROOT, "node_modules/.bin/cdk8s");
    runOffline("infra/cdk8s", cdk8s, ["synth", "--no-check-upgrade", "--output", folder], {
      PUSHCAST_PROFILE: "prod",
    });

    expect(filesOf(folder)).toEqual(filesOf(join(ROOT, "charts/prod")));
  },
  PROCESS_TIMEOUT_MS,
);

test(
  "a file of the user's own goes over the profile, and what is wrong in it is said",
  () => {
    const folder = temporaryFolder();
    const own = join(folder, "own.json");
    const synth = () =>
      runOffline(".", "npm", ["run", "synth", "--", "--config", own, "--out", join(folder, "out")]);

    writeFileSync(own, `{"etcd":{"member":3}}`);
    expect(synth).toThrow("etcd.member: is not known");

    writeFileSync(own, `{"etcd":{"members":3}}`);
    synth();
    expect(readFileSync(join(folder, "out/20-etcd.k8s.yaml"), "utf8")).toContain("replicas: 3");
  },
  PROCESS_TIMEOUT_MS,
);
