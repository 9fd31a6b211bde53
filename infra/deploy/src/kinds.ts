/** A kind of objects that this tool applies. */
export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  /** As in the API's paths. */
  readonly plural: string;
  /** Else there is one set of them in the whole cluster. */
  readonly namespaced: boolean;
  /** Whether objects that the manifests no longer have are deleted. */
  readonly pruned: boolean;
  /** Who brings the kind to a cluster, if it is none of Kubernetes itself. */
  readonly operator?: Operator;
}

interface Operator {
  readonly name: string;
  /** Else a file with its kinds is left out where they are unknown: the system works without. */
  readonly needed: boolean;
}

const CORE = "v1";
const RBAC = "rbac.authorization.k8s.io/v1";
const NETWORKING = "networking.k8s.io/v1";
const CERT_MANAGER: Operator = { name: "cert-manager", needed: true };
const MONITORING = "monitoring.coreos.com/v1";

const PROMETHEUS: Operator = { name: "the Prometheus operator", needed: false };
const KEDA: Operator = { name: "KEDA", needed: true };

/** Those that are used come before those that use them. */
export const KINDS: readonly Kind[] = [
  // It would take all that is in it with it.
  kind(CORE, "Namespace", "namespaces", { namespaced: false, pruned: false }),
  // They would have to be listed, which is to read them all.
  kind(CORE, "Secret", "secrets", { pruned: false }),
  // They hold the data.
  kind(CORE, "PersistentVolumeClaim", "persistentvolumeclaims", { pruned: false }),
  kind(CORE, "ServiceAccount", "serviceaccounts"),
  kind(RBAC, "Role", "roles"),
  kind(RBAC, "RoleBinding", "rolebindings"),
  kind(CORE, "ConfigMap", "configmaps"),
  kind(NETWORKING, "NetworkPolicy", "networkpolicies"),
  kind("cert-manager.io/v1", "Certificate", "certificates", { operator: CERT_MANAGER }),
  kind(CORE, "Service", "services"),
  kind("apps/v1", "StatefulSet", "statefulsets"),
  kind("apps/v1", "Deployment", "deployments"),
  kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
  kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
  kind(NETWORKING, "Ingress", "ingresses"),
  kind(MONITORING, "ServiceMonitor", "servicemonitors", { operator: PROMETHEUS }),
  kind(MONITORING, "PrometheusRule", "prometheusrules", { operator: PROMETHEUS }),
  kind("keda.sh/v1alpha1", "ScaledObject", "scaledobjects", { operator: KEDA }),
];

function kind(
  apiVersion: string,
  name: string,
  plural: string,
  extra: Partial<Pick<Kind, "namespaced" | "pruned" | "operator">> = {},
): Kind {
  return { apiVersion, kind: name, plural, namespaced: true, pruned: true, ...extra };
}

/** The path of a group and version, whose answer lists its kinds. */
export function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** @throws TypeError if it is none of {@link KINDS} */
export function kindNamed(name: string): Kind {
  const found = KINDS.find(({ kind }) => kind === name);
  if (found === undefined) throw new TypeError(`unknown kind: ${name}`);
  return found;
}
