import { describe, expect, test } from "vitest";
import { changesBetween } from "./changes.ts";
import { describeChange } from "./changes-text.ts";
import type { KubeObject } from "./kube-object.ts";

function objectWith(fields: object, metadata: object = {}): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", ...metadata }, ...fields };
}

function linesBetween(before: object, after: object): string[] {
  return changesBetween(objectWith(before), objectWith(after)).flatMap(describeChange);
}

describe("the changes of an object", () => {
  test.each([
    ["a field that changes", { a: { b: 1 } }, { a: { b: 2 } }, ["~ a.b: 1 → 2"]],
    ["a new field", {}, { a: { b: [1] } }, ['+ a: {"b":[1]}']],
    ["a field that goes", { a: true }, {}, ["- a: true"]],
    ["a name with dots", { a: { "b.c/d": 1 } }, { a: { "b.c/d": 2 } }, ['~ a["b.c/d"]: 1 → 2']],
    ["a list without names", { a: [1, 2] }, { a: [1, 3] }, ["~ a[1]: 2 → 3"]],
    ["a list that grows", { a: [1] }, { a: [1, 2] }, ["~ a: [1] → [1,2]"]],
  ])("name %s", (_, before, after, lines) => {
    expect(linesBetween(before, after)).toEqual(lines);
  });

  test("go by name in lists of named items, whatever their order", () => {
    const before = { env: [{ name: "A", value: "1" }, { name: "B" }] };
    const after = { env: [{ name: "B" }, { name: "C" }, { name: "A", value: "2" }] };

    expect(linesBetween(before, after)).toEqual([
      '~ env[A].value: "1" → "2"',
      '+ env[C]: {"name":"C"}',
    ]);
  });

  test("go line by line through a text of several lines", () => {
    expect(linesBetween({ text: "a\nb\nc\nd\n" }, { text: "a\nx\ny\nd\n" })).toEqual([
      "~ text:",
      "    - b",
      "    - c",
      "    + x",
      "    + y",
    ]);
  });

  test("are cut where they are long", () => {
    const lines = Array.from({ length: 100 }, (_, line) => `line ${line}`).join("\n");

    expect(linesBetween({ text: "\n" }, { text: lines }).at(-1)).toBe("    + … 80 more lines");
    expect(linesBetween({}, { text: "x".repeat(1000) })[0]?.length).toBeLessThan(200);
  });

  test("leave out what the API server keeps for itself", () => {
    const kubectl = { "kubectl.kubernetes.io/last-applied-configuration": "{}" };
    const before = {
      resourceVersion: "1",
      generation: 1,
      managedFields: [1],
      annotations: kubectl,
    };
    const after = { resourceVersion: "2", generation: 2, uid: "b", creationTimestamp: "now" };

    expect(
      changesBetween(objectWith({ status: 1 }, before), objectWith({ status: 2 }, after)),
    ).toEqual([]);
  });
});
