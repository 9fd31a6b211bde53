import { deletionCostSettings, LEASE_NAME } from "@pushcast/deploy";
import { Construct } from "constructs";
import type { Config } from "../config/schema.ts";
import { environment, fromField } from "../lib/environment.ts";
import { k8s } from "../lib/k8s.ts";
import { workloadLabels } from "../lib/labels.ts";
import { heapLimit } from "../lib/memory.ts";
import { podTemplate, resources } from "../lib/pod.ts";
import { containerPort, PORTS } from "../lib/ports.ts";
import { probes } from "../lib/probes.ts";
import { addDisruptionBudget, addServiceAccount } from "../lib/workload-objects.ts";

const NAME = "deletion-cost";
const { ops } = PORTS[NAME];

const GRACE_SECONDS = 30;

/**
 * Tells Kubernetes how many sessions each connect-node has, so that a scale-in takes the emptiest. The
 * only one of the system that speaks with the API server, and may do no more than that needs.
 */
export class DeletionCost extends Construct {
  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    const labels = workloadLabels(NAME);
    addServiceAccount(this, NAME);
    new k8s.KubeRole(this, "role", { metadata: { name: NAME, labels }, rules: RULES });
    new k8s.KubeRoleBinding(this, "role-binding", {
      metadata: { name: NAME, labels },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: NAME },
      subjects: [{ kind: "ServiceAccount", name: NAME, namespace: config.namespace }],
    });
    new k8s.KubeDeployment(this, "deployment", {
      metadata: { name: NAME, labels },
      spec: deployment(config),
    });
    addDisruptionBudget(this, NAME, { maxUnavailable: 1, evictUnready: true });
  }
}

const RULES: k8s.PolicyRule[] = [
  { apiGroups: [""], resources: ["pods"], verbs: ["list", "patch"] },
  // What is yet to be created has no name that a rule could name.
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    resourceNames: [LEASE_NAME],
    verbs: ["get", "update"],
  },
];

function deployment({ deletionCost, images }: Config): k8s.DeploymentSpec {
  const { variables } = environment("deletionCost", deletionCostSettings, [], {
    POD_NAME: fromField("metadata.name"),
    POD_NAMESPACE: fromField("metadata.namespace"),
    ...deletionCost.settings,
  });
  return {
    // Without it pods are taken as ever: another one is there soon enough.
    replicas: 1,
    selector: { matchLabels: workloadLabels(NAME) },
    template: podTemplate({
      workload: NAME,
      images,
      options: deletionCost,
      graceSeconds: GRACE_SECONDS,
      container: {
        name: NAME,
        image: images.deletionCost,
        env: [...variables, heapLimit(deletionCost.resources.memory)],
        ports: [containerPort(ops)],
        ...probes(ops),
        resources: resources(deletionCost.resources),
      },
      spec: { automountServiceAccountToken: true },
    }),
  };
}
