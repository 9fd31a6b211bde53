import { nodeSettings } from "@pushcast/connect-node";
import { pushManagerSettings } from "@pushcast/push-manager";
import { readSettings, type SettingsOf, type SettingsSchema } from "@pushcast/runtime";
import { nameOf, ofKind, type Workload, workloadsOf } from "../support/manifests.ts";
import type { Policy } from "./policy.ts";

export const autoscaledHaveNoReplicas: Policy = {
  name: "a Deployment has either a number of replicas or an autoscaler",
  violations: (manifests) => {
    const scaled = new Set(
      ofKind(manifests, "HorizontalPodAutoscaler").map(({ spec }) => spec?.scaleTargetRef.name),
    );
    return ofKind(manifests, "Deployment")
      .filter(
        ({ metadata, spec }) => (spec?.replicas === undefined) !== scaled.has(metadata?.name ?? ""),
      )
      .map((deployment) => `${nameOf(deployment)} has both or neither`);
  },
};

/** Quantities, which server-side apply wants as strings, by their place in any object. */
export const quantitiesAreStrings: Policy = {
  name: "quantities are strings",
  violations: (manifests) => manifests.flatMap((manifest) => numbersIn(manifest, nameOf(manifest))),
};

const QUANTITY_FIELDS = /\.(requests|limits|capacity)\.[^.]+$|\.(averageValue|sizeLimit|divisor)$/;

function numbersIn(value: unknown, path: string): string[] {
  if (typeof value === "number" && QUANTITY_FIELDS.test(path)) return [`${path} is ${value}`];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => numbersIn(below, `${path}.${key}`));
}

export const podsHaveTimeToStop: Policy = {
  name: "a pod has more time to stop than its process takes",
  violations: (manifests) =>
    workloadsOf(manifests).flatMap((workload) => {
      const graceSeconds = workload.spec.terminationGracePeriodSeconds ?? 30;
      const neededSeconds = stopSeconds(workload);
      return graceSeconds > neededSeconds
        ? []
        : [`${workload.name} has ${graceSeconds} s and needs ${neededSeconds} s`];
    }),
};

/** By what the process itself will read from its environment. */
function stopSeconds(workload: Workload): number {
  switch (workload.manifest.metadata?.name) {
    case "connect-node": {
      const settings = settingsOf(workload, nodeSettings);
      return settings.DRAIN_ACCEPT_SECONDS + settings.DRAIN_SECONDS + settings.STOP_SECONDS;
    }
    case "push-manager":
      return settingsOf(workload, pushManagerSettings).STOP_SECONDS;
    default:
      return 0;
  }
}

function settingsOf<Schema extends SettingsSchema>(
  { name, containers }: Workload,
  schema: Schema,
): SettingsOf<Schema> {
  const variables = (containers[0]?.env ?? []).map(({ name, value }) => [name, value]);
  const read = readSettings(schema, Object.fromEntries(variables));
  if (!read.ok) throw new Error(`${name}: ${JSON.stringify(read.errors)}`);
  return read.settings;
}

/** The kubelet puts a variable into those that come after it, and leaves it as it is in others. */
export const variablesComeBeforeTheirUse: Policy = {
  name: "a variable stands before what refers to it",
  violations: (manifests) =>
    workloadsOf(manifests).flatMap(({ name, containers }) =>
      containers.flatMap(({ env = [], command = [], args = [] }) => {
        const known = new Set<string>();
        const unknownIn = (text: string) =>
          [...text.matchAll(/\$\((\w+)\)/g)]
            .filter(([, variable = ""]) => !known.has(variable))
            .map(([reference]) => `${name} refers to ${reference}`);
        return [
          ...env.flatMap(({ name: variable, value = "" }) => {
            const found = unknownIn(value);
            known.add(variable);
            return found;
          }),
          ...[...command, ...args].flatMap(unknownIn),
        ];
      }),
    ),
};
