import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeSettings } from "@pushcast/connect-node";
import { pushManagerSettings } from "@pushcast/push-manager";
import { type SettingsSchema, VERSION } from "@pushcast/runtime";
import { describe, expect, test } from "vitest";
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
  test("exposes the ports that the settings have by default", () => {
    const ports = Object.entries(SETTINGS[service])
      .filter(([name]) => name.endsWith("_PORT"))
      .map(([, setting]) => String(setting.default));
    const exposed = instructions(service, "EXPOSE").flatMap((ports) => ports.split(" "));
    expect(exposed.sort()).toEqual(ports.sort());
  });

  test("runs as a user other than root, by number", () => {
    expect(instructions(service, "USER")).toEqual(["1000:1000"]);
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
