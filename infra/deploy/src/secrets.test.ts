import { expect, test } from "vitest";
import type { KubeObject } from "./kube-object.ts";
import { concealSecrets } from "./secrets.ts";

function concealed(kind: string, fields: object): KubeObject {
  return concealSecrets({ apiVersion: "v1", kind, metadata: { name: "token" }, ...fields });
}

const MARK = expect.stringMatching(/^\(secret \w{6}\)$/);

test("every value of a Secret is concealed", () => {
  expect(concealed("Secret", { data: { a: "1" }, stringData: { b: "2" } })).toMatchObject({
    metadata: { name: "token" },
    data: { a: MARK },
    stringData: { b: MARK },
  });
});

test("variables of a container are concealed by their names", () => {
  const env = [
    { name: "OPS_TOKEN", value: "1" },
    { name: "DB_PASSWORD", valueFrom: {} },
    { name: "LOG_LEVEL", value: "info" },
  ];

  expect(concealed("Deployment", { spec: { containers: [{ env }] } })).toMatchObject({
    spec: { containers: [{ env: [{ name: "OPS_TOKEN", value: MARK }, env[1], env[2]] }] },
  });
});

test("values of a ConfigMap are concealed by their names", () => {
  expect(concealed("ConfigMap", { data: { API_KEY: "1", LOG_LEVEL: "info" } })).toMatchObject({
    data: { API_KEY: MARK, LOG_LEVEL: "info" },
  });
});

test("the same value has the same mark, and another one has another", () => {
  const marks = concealed("Secret", { data: { a: "1", b: "1", c: "2" } }).data as {
    [name: string]: string;
  };

  expect(marks.a).toBe(marks.b);
  expect(marks.a).not.toBe(marks.c);
});
