import { describe, expect, test } from "vitest";
import { CONFIGS } from "./support/configs.ts";
import { type Manifest, manifestsOf, nameOf } from "./support/manifests.ts";

interface Model {
  /** Throws with what is wrong. */
  validate(): void;
}

/** Where models of others than Kubernetes are, by their API groups. */
const MODELS_OF_OTHERS: Readonly<Record<string, string>> = {
  "cert-manager.io": "@kubernetes-models/cert-manager",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

/** The models were generated from the types of Kubernetes and of those who bring kinds to it. */
async function modelOf(manifest: Manifest): Promise<Model> {
  const { apiVersion, kind } = manifest;
  const from = MODELS_OF_OTHERS[apiVersion.split("/")[0] ?? ""] ?? "kubernetes-models";
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
