import type { Config } from "../config/schema.ts";
import type { k8s } from "./k8s.ts";
import { type WorkloadName, workloadLabels } from "./labels.ts";
import { RESTRICTED_CONTAINER, RESTRICTED_POD } from "./pod-security.ts";
import { quantity } from "./quantities.ts";

type PodOptions = Pick<
  Config["etcd"],
  "nodeSelector" | "tolerations" | "priorityClassName" | "podAnnotations"
>;

export interface PodProps {
  readonly workload: WorkloadName;
  readonly images: Config["images"];
  readonly options: PodOptions;
  readonly container: k8s.Container;
  /** How long the pod may take to stop before it is killed. */
  readonly graceSeconds: number;
  /** Added to what every pod has, or in its place. @default nothing */
  readonly spec?: Partial<k8s.PodSpec>;
}

/** A pod with one container, no token of the Kubernetes API, and no rights on its machine. */
export function podTemplate(props: PodProps): k8s.PodTemplateSpec {
  const { workload, images, options, container, graceSeconds, spec } = props;
  const { nodeSelector, tolerations, priorityClassName, podAnnotations } = options;
  const pullSecrets = images.pullSecrets.map((name) => ({ name }));
  return {
    metadata: {
      labels: workloadLabels(workload),
      ...(isEmpty(podAnnotations) ? {} : { annotations: podAnnotations }),
    },
    spec: {
      serviceAccountName: workload,
      automountServiceAccountToken: false,
      // Or the Service etcd would give ETCD_PORT and the like to etcd, which reads ETCD_*.
      enableServiceLinks: false,
      terminationGracePeriodSeconds: graceSeconds,
      securityContext: RESTRICTED_POD,
      ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets }),
      ...(isEmpty(nodeSelector) ? {} : { nodeSelector }),
      ...(tolerations.length === 0 ? {} : { tolerations: tolerations.map(defined) }),
      ...(priorityClassName === undefined ? {} : { priorityClassName }),
      ...spec,
      containers: [
        {
          ...container,
          imagePullPolicy: images.pullPolicy,
          // So that the reason of a crash stands in the pod's status.
          terminationMessagePolicy: "FallbackToLogsOnError",
          securityContext: RESTRICTED_CONTAINER,
        },
      ],
    },
  };
}

/** CPU is not limited: a process that is held back looks dead to its peers. */
export function resources({ cpu, memory }: Config["etcd"]["resources"]): k8s.ResourceRequirements {
  return {
    requests: { cpu: quantity(cpu), memory: quantity(memory) },
    limits: { memory: quantity(memory) },
  };
}

/** Spreads a workload's pods over zones, and over machines, as far as there are any. */
export function spread(workload: WorkloadName): k8s.TopologySpreadConstraint[] {
  return ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: workloadLabels(workload) },
  }));
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  return Object.keys(record).length === 0;
}

/** Without the keys that are undefined. */
function defined(toleration: Config["etcd"]["tolerations"][number]): k8s.Toleration {
  return Object.fromEntries(Object.entries(toleration).filter(([, value]) => value !== undefined));
}
