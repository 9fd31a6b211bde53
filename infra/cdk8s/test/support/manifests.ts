import type { ICertificate } from "@kubernetes-models/cert-manager/cert-manager.io/v1";
import type {
  IPrometheusRule,
  IServiceMonitor,
} from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import type { IDeployment, IStatefulSet } from "kubernetes-models/apps/v1";
import type { IHorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2";
import type { IIngress, INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1";
import type { IRole, IRoleBinding } from "kubernetes-models/rbac.authorization.k8s.io/v1";
import type {
  IConfigMap,
  IContainer,
  INamespace,
  IPodSpec,
  IService,
  IServiceAccount,
} from "kubernetes-models/v1";
import { createApp } from "../../src/app.ts";
import type { Config } from "../../src/config/schema.ts";

/** An object as it stands in the YAML. */
export type Manifest =
  | ICertificate
  | IConfigMap
  | IDeployment
  | IHorizontalPodAutoscaler
  | IIngress
  | INamespace
  | INetworkPolicy
  | IPodDisruptionBudget
  | IPrometheusRule
  | IRole
  | IRoleBinding
  | IService
  | IServiceAccount
  | IServiceMonitor
  | IStatefulSet;

export type Labels = Readonly<Record<string, string>>;

/** All objects of a configuration, in the order in which they are applied. */
export function manifestsOf(config: Config): Manifest[] {
  return createApp(config).charts.flatMap((chart) => chart.toJson() as Manifest[]);
}

export function ofKind<Kind extends Manifest["kind"]>(
  manifests: readonly Manifest[],
  kind: Kind,
): Extract<Manifest, { kind: Kind }>[] {
  return manifests.filter(
    (manifest): manifest is Extract<Manifest, { kind: Kind }> => manifest.kind === kind,
  );
}

/** `Service/etcd`. */
export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata?.name}`;
}

/** What a workload makes pods of. */
export interface Workload {
  /** `Deployment/push-manager`. */
  readonly name: string;
  readonly manifest: IDeployment | IStatefulSet;
  readonly labels: Labels;
  readonly spec: IPodSpec;
  readonly containers: readonly IContainer[];
}

export function workloadsOf(manifests: readonly Manifest[]): Workload[] {
  return [...ofKind(manifests, "Deployment"), ...ofKind(manifests, "StatefulSet")].map(
    (manifest) => {
      const template = manifest.spec?.template;
      const spec = template?.spec ?? { containers: [] };
      return {
        name: nameOf(manifest),
        manifest,
        labels: template?.metadata?.labels ?? {},
        spec,
        containers: [...(spec.initContainers ?? []), ...spec.containers],
      };
    },
  );
}

/** Whether a selector of labels selects an object that has these. An empty one selects all. */
export function selects(selector: Labels | undefined, labels: Labels | undefined): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => labels?.[key] === value);
}
