import { describe, expect, test } from "vitest";
import { CONFIGS } from "./support/configs.ts";
import { type Manifest, manifestsOf, nameOf } from "./support/manifests.ts";

interface Model {
  /** Throws with what is wrong. */
  validate(): void;
}

/** The models were generated from the types of Kubernetes and of the Prometheus operator. */
async function modelOf(manifest: Manifest): Promise<Model> {
  const { apiVersion, kind } = manifest;
  const from = apiVersion.startsWith("monitoring.coreos.com/")
    ? "@kubernetes-models/prometheus-operator"
    : "kubernetes-models";
  const module: Record<string, new (manifest: Manifest) => Model> = await import(
    `${from}/${apiVersion}/${kind}`
  );
  const ModelOfKind = module[kind];
  if (ModelOfKind === undefined) throw new Error(`no model of ${apiVersion} ${kind}`);
  return new ModelOfKind(manifest);
}

describe.each(CONFIGS)("the manifests of %s", (_, config) => {
  test.each(manifestsOf(config).map((manifest) => [nameOf(manifest), manifest] as const))(
    "%s is as its model",
    async (_, manifest) => {
      expect.assertions(1);
      const model = await modelOf(manifest);

      expect(() => model.validate()).not.toThrow();
    },
  );
});

test.each<[string, Manifest, string]>([
  [
    "a type that is wrong",
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      spec: { selector: {}, template: {}, replicas: "3" as unknown as number },
    },
    "replicas",
  ],
  [
    "a field that is missing",
    {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      spec: { maxReplicas: 3 } as never,
    },
    "scaleTargetRef",
  ],
  [
    "a pattern that is not kept, of the Prometheus operator",
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "ServiceMonitor",
      spec: { selector: {}, endpoints: [{ port: "ops", interval: "15 seconds" }] },
    },
    "interval",
  ],
])("the models find %s", async (_, manifest, field) => {
  const model = await modelOf(manifest);

  expect(() => model.validate()).toThrow(field);
});
