import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeSettings } from "@pushcast/connect-node";
import { deletionCostSettings } from "@pushcast/deploy";
import { pushManagerSettings } from "@pushcast/push-manager";
import { type SettingsSchema, VERSION } from "@pushcast/runtime";
import { describe, expect, test } from "vitest";
import { RESTRICTED_POD } from "../../infra/cdk8s/src/lib/pod-security.ts";
import { PORTS } from "../../infra/cdk8s/src/lib/ports.ts";
import { PROGRAMS, type ProgramName } from "../../infra/images/src/bundle.ts";
import { ROOT } from "./files.ts";

interface Source {
  /** Where the Dockerfile is. */
  readonly folder: string;
  readonly settings: SettingsSchema;
}

const SOURCES: Readonly<Record<ProgramName, Source>> = {
  "push-manager": { folder: "services/push-manager", settings: pushManagerSettings },
  "connect-node": { folder: "services/connect-node", settings: nodeSettings },
  "deletion-cost": { folder: "infra/deploy", settings: deletionCostSettings },
};

/** The arguments of an instruction, wherever it stands, with lines joined that were continued. */
function instructions(program: ProgramName, name: string): string[] {
  const file = readFileSync(join(ROOT, SOURCES[program].folder, "Dockerfile"), "utf8");
  const lines = file
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, "")
    .split("\n");
  return lines.flatMap((line) => (line.startsWith(`${name} `) ? line.slice(name.length + 1) : []));
}

describe.each(PROGRAMS)("the Dockerfile of %s", (program) => {
  test("exposes the ports that the settings have by default, and the manifests", () => {
    const exposed = instructions(program, "EXPOSE").flatMap((ports) => ports.split(" "));
    const ofSettings = Object.entries(SOURCES[program].settings)
      .filter(([name]) => name.endsWith("_PORT"))
      .map(([, setting]) => String(setting.default));
    const ofManifests = Object.values(PORTS[program]).map((port) => String(port.number));
    expect(exposed.sort()).toEqual(ofSettings.sort());
    expect(exposed).toEqual(ofManifests.sort());
  });

  test("runs as the user that the manifests name, by number and not as root", () => {
    const { runAsUser, runAsGroup } = RESTRICTED_POD;
    expect(instructions(program, "USER")).toEqual([`${runAsUser}:${runAsGroup}`]);
    expect(runAsUser).toBeGreaterThan(0);
  });

  test("starts Node without a shell in between, in production", () => {
    const [entrypoint = ""] = instructions(program, "ENTRYPOINT");
    expect(JSON.parse(entrypoint)).toEqual(["node", "/app/main.js"]);
    expect(instructions(program, "ENV")).toEqual(["NODE_ENV=production"]);
  });

  test("says the version that the process says", () => {
    const [labels] = instructions(program, "LABEL");
    expect(labels).toContain(`org.opencontainers.image.version="${VERSION}"`);
    expect(labels).toContain(`org.opencontainers.image.title="Pushcast ${program}"`);
  });

  test("pins its base to one version of a Node with long-term support", () => {
    const [base = ""] = instructions(program, "ARG");
    expect(base).toMatch(/^BASE=docker\.io\/library\/node:(22|24)\.\d+\.\d+-\w+-slim$/);
    expect(instructions(program, "FROM")).toEqual(["$BASE AS bundle", "$BASE"]);
  });
});

test("the Dockerfiles install the same packages in the same step, which is done once then", () => {
  const [first, ...others] = PROGRAMS.map((program) => ({
    base: instructions(program, "ARG")[0],
    install: instructions(program, "RUN")[0],
  }));
  for (const other of others) expect(other).toEqual(first);
});
