import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeSettings } from "@pushcast/connect-node";
import { pushManagerSettings } from "@pushcast/push-manager";
import { type SettingsSchema, VERSION } from "@pushcast/runtime";
import { describe, expect, test } from "vitest";
import { RESTRICTED_POD } from "../../infra/cdk8s/src/lib/pod-security.ts";
import { PORTS } from "../../infra/cdk8s/src/lib/ports.ts";
import { SERVICES, type ServiceName } from "../../infra/images/src/bundle.ts";
import { ROOT } from "./files.ts";

const SETTINGS: Readonly<Record<ServiceName, SettingsSchema>> = {
  "push-manager": pushManagerSettings,
  "connect-node": nodeSettings,
};

/** The arguments of an instruction, wherever it stands, with lines joined that were continued. */
function instructions(service: ServiceName, name: string): string[] {
  const file = readFileSync(join(ROOT, `services/${service}/Dockerfile`), "utf8");
  const lines = file
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, "")
    .split("\n");
  return lines.flatMap((line) => (line.startsWith(`${name} `) ? line.slice(name.length + 1) : []));
}

describe.each(SERVICES)("the Dockerfile of %s", (service) => {
  test("exposes the ports that the settings have by default, and the manifests", () => {
    const exposed = instructions(service, "EXPOSE").flatMap((ports) => ports.split(" "));
    const ofSettings = Object.entries(SETTINGS[service])
      .filter(([name]) => name.endsWith("_PORT"))
      .map(([, setting]) => String(setting.default));
    const ofManifests = Object.values(PORTS[service]).map((port) => String(port.number));
    expect(exposed.sort()).toEqual(ofSettings.sort());
    expect(exposed).toEqual(ofManifests.sort());
  });

  test("runs as the user that the manifests name, by number and not as root", () => {
    const { runAsUser, runAsGroup } = RESTRICTED_POD;
    expect(instructions(service, "USER")).toEqual([`${runAsUser}:${runAsGroup}`]);
    expect(runAsUser).toBeGreaterThan(0);
  });

  test("starts Node without a shell in between, in production", () => {
    const [entrypoint = ""] = instructions(service, "ENTRYPOINT");
    expect(JSON.parse(entrypoint)).toEqual(["node", "/app/main.js"]);
    expect(instructions(service, "ENV")).toEqual(["NODE_ENV=production"]);
  });

  test("says the version that the process says", () => {
    const [labels] = instructions(service, "LABEL");
    expect(labels).toContain(`org.opencontainers.image.version="${VERSION}"`);
    expect(labels).toContain(`org.opencontainers.image.title="Pushcast ${service}"`);
  });

  test("pins its base to one version of a Node with long-term support", () => {
    const [base = ""] = instructions(service, "ARG");
    expect(base).toMatch(/^BASE=docker\.io\/library\/node:(22|24)\.\d+\.\d+-\w+-slim$/);
    expect(instructions(service, "FROM")).toEqual(["$BASE AS bundle", "$BASE"]);
  });
});

test("the Dockerfiles install the same packages in the same step, which is done once then", () => {
  const [one, other] = SERVICES.map((service) => ({
    base: instructions(service, "ARG")[0],
    install: instructions(service, "RUN")[0],
  }));
  expect(one).toEqual(other);
});
