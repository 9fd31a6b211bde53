import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ExitCode } from "../src/deploy-error.ts";
import { titleOf } from "../src/kube-object.ts";
import { loadManifests } from "../src/manifest-source.ts";
import { type Manifests, readManifests } from "../src/manifests.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pushcast-manifests-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

const SERVICE = `
apiVersion: v1
kind: Service
metadata:
  name: a
  namespace: live
  labels: { app: a }
`;

describe("a folder of manifests", () => {
  test("is read in the order of its file names, with all documents of a file", () => {
    write("20-b.k8s.yaml", `${SERVICE}\n---\n${SERVICE.replace("name: a", "name: b")}\n---\n`);
    write("10-a.yml", SERVICE);
    write("README.md", "no manifest");

    const { files, namespace } = readManifests(folder);

    expect(namespace).toBe("live");
    expect(files.map(({ name }) => name)).toEqual(["10-a.yml", "20-b.k8s.yaml"]);
    expect(files[1]?.objects.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
  });

  test("has its objects labelled, beside the labels that they have", () => {
    write("a.yaml", SERVICE);

    expect(readManifests(folder).files[0]?.objects[0]?.metadata.labels).toEqual({
      app: "a",
      "app.kubernetes.io/part-of": "pushcast",
      "app.kubernetes.io/managed-by": "pushcast-deploy",
    });
  });

  test.each([
    ["is not YAML", "a: [", "a.yaml is not YAML: "],
    ["is no object", "- 1", "holds something without apiVersion, kind or metadata.name"],
    ["has no name", "apiVersion: v1\nkind: Service", "without apiVersion, kind or metadata.name"],
    [
      "is of a kind that is not ours",
      SERVICE.replace("Service", "Node"),
      "Node a: this tool does not apply Node of v1; use kubectl for it",
    ],
    ["has no namespace", SERVICE.replace("namespace: live", ""), "Service a has no namespace"],
    [
      "is in another namespace than the rest",
      `${SERVICE}---${SERVICE.replace("live", "other")}`,
      "has objects of more than one namespace: live and other",
    ],
    ["is empty", "# nothing\n", "has no objects"],
  ])("is refused where something in it %s", (_, text, problem) => {
    write("a.yaml", text);

    expect(() => readManifests(folder)).toThrow(problem);
  });

  test("is refused when it has no manifests, or is not there", () => {
    expect(() => readManifests(folder)).toThrow("has no manifests (*.yaml)");
    expect(() => readManifests(join(folder, "missing"))).toThrow("there is no folder");
  });
});

describe("where manifests come from", () => {
  test.each(["dev", "prod"])("the profile %s is a folder of charts/", (profile) => {
    const { files, namespace } = loadManifests({ kind: "profile", profile });

    expect(namespace).toBe("pushcast");
    expect(files[0]?.objects[0]?.kind).toBe("Namespace");
  });

  test("a profile that is not there is refused, with those that are", () => {
    const source = { kind: "profile", profile: "staging" } as const;

    expect(() => loadManifests(source)).toThrow(
      "there is no profile staging in charts/: there are dev, prod",
    );
  });

  test("a configuration of the user's own is synthesized over a profile", () => {
    write("own.json", JSON.stringify({ namespace: "live" }));
    const file = join(folder, "own.json");

    const own = loadManifests({ kind: "config", file, profile: "prod" });
    const prod = loadManifests({ kind: "profile", profile: "prod" });

    expect(own.namespace).toBe("live");
    expect(titlesOf(own)).toEqual(
      titlesOf(prod).map((title) => title.replace(/^(Namespace) .*/, "$1 live")),
    );
  });

  test("a configuration that cannot be synthesized is refused with the reason", () => {
    write("own.json", JSON.stringify({ namespase: "live" }));
    const source = { kind: "config", file: join(folder, "own.json"), profile: undefined } as const;

    expect(() => loadManifests(source)).toThrow(
      expect.objectContaining({
        message: `${source.file} cannot be synthesized`,
        exitCode: ExitCode.CONFIG,
        details: expect.arrayContaining([expect.stringContaining("namespase")]),
      }),
    );
  });
});

function titlesOf({ files }: Manifests): string[] {
  return files.flatMap(({ objects }) => objects.map(titleOf));
}
