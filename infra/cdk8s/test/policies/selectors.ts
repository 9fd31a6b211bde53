import {
  type Labels,
  type Manifest,
  nameOf,
  ofKind,
  selects,
  type Workload,
  workloadsOf,
} from "../support/manifests.ts";
import type { Policy } from "./policy.ts";

/** The workloads whose pods have the labels. */
function selected(manifests: readonly Manifest[], selector: Labels | undefined): Workload[] {
  return workloadsOf(manifests).filter(({ labels }) => selects(selector, labels));
}

/** Says so unless the selector is of the pods of that workload and of no other. */
function unlessSelects(
  manifests: readonly Manifest[],
  name: string,
  selector: Labels | undefined,
  expected: (workload: Workload) => boolean,
): string[] {
  const found = selected(manifests, selector);
  const [only] = found;
  if (found.length === 1 && only !== undefined && expected(only)) return [];
  return [
    `${name} selects the pods of ${found.map((workload) => workload.name).join(", ") || "nothing"}`,
  ];
}

export const workloadsSelectTheirOwnPods: Policy = {
  name: "a workload selects its own pods and no others",
  violations: (manifests) =>
    workloadsOf(manifests).flatMap(({ name, manifest }) =>
      unlessSelects(manifests, name, manifest.spec?.selector.matchLabels, (workload) => {
        return workload.name === name;
      }),
    ),
};

/** `connect-node-metrics` is a Service of `connect-node`. */
export const servicesSelectOneWorkload: Policy = {
  name: "a Service selects the pods of the workload that its name begins with",
  violations: (manifests) =>
    ofKind(manifests, "Service").flatMap((service) =>
      unlessSelects(manifests, nameOf(service), service.spec?.selector, ({ manifest }) => {
        const workload = manifest.metadata?.name ?? "";
        return service.metadata?.name?.replace(/-(headless|metrics)$/, "") === workload;
      }),
    ),
};

export const budgetsSelectOneWorkload: Policy = {
  name: "a PodDisruptionBudget selects the pods of the workload of its name, and lets one go",
  violations: (manifests) =>
    ofKind(manifests, "PodDisruptionBudget").flatMap((budget) => [
      ...unlessSelects(
        manifests,
        nameOf(budget),
        budget.spec?.selector?.matchLabels,
        ({ manifest }) => manifest.metadata?.name === budget.metadata?.name,
      ),
      ...(["1", "10%"].includes(String(budget.spec?.maxUnavailable))
        ? []
        : [`${nameOf(budget)} lets ${budget.spec?.maxUnavailable} go`]),
    ]),
};

export const everyWorkloadHasABudget: Policy = {
  name: "every workload has a PodDisruptionBudget",
  violations: (manifests) => {
    const budgets = ofKind(manifests, "PodDisruptionBudget");
    return workloadsOf(manifests)
      .filter(
        ({ labels }) =>
          !budgets.some((budget) => selects(budget.spec?.selector?.matchLabels, labels)),
      )
      .map(({ name }) => `${name} has none`);
  },
};

export const autoscalersScaleAWorkload: Policy = {
  name: "an autoscaler scales the Deployment of its name",
  violations: (manifests) => {
    const names = new Set(workloadsOf(manifests).map(({ name }) => name));
    return ofKind(manifests, "HorizontalPodAutoscaler").flatMap((autoscaler) => {
      const target = autoscaler.spec?.scaleTargetRef;
      const name = `${target?.kind}/${target?.name}`;
      return names.has(name) && target?.name === autoscaler.metadata?.name
        ? []
        : [`${nameOf(autoscaler)} scales ${name}`];
    });
  },
};

export const monitorsSelectOnePort: Policy = {
  name: "a ServiceMonitor selects its ports from one Service each, so that no pod is scraped twice",
  violations: (manifests) =>
    ofKind(manifests, "ServiceMonitor").flatMap((monitor) => {
      const services = ofKind(manifests, "Service").filter((service) =>
        selects(monitor.spec.selector.matchLabels, service.metadata?.labels),
      );
      return monitor.spec.endpoints.flatMap(({ port }) => {
        const having = services.filter((service) =>
          service.spec?.ports?.some(({ name }) => name === port),
        );
        if (having.length === 1) return [];
        const found = having.map(nameOf).join(", ") || "no Service";
        return [`${nameOf(monitor)} takes port ${port} of ${found}`];
      });
    }),
};

export const spreadsSelectTheirOwnPods: Policy = {
  name: "what spreads a workload's pods looks at its own pods",
  violations: (manifests) =>
    workloadsOf(manifests).flatMap(({ name, spec, labels }) => {
      const apart = spec.affinity?.podAntiAffinity;
      const selectors = [
        ...(spec.topologySpreadConstraints ?? []),
        ...(apart?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
        ...(apart?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
          ({ podAffinityTerm }) => podAffinityTerm,
        ),
      ].map(({ labelSelector }) => labelSelector?.matchLabels);
      return selectors.every((selector) => selector !== undefined && selects(selector, labels))
        ? []
        : [`${name} looks at others`];
    }),
};
