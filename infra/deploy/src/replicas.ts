import type { V1Deployment } from "@kubernetes/client-node";
import type { KubeApi } from "./kube-api.ts";
import type { KubeObject } from "./kube-object.ts";
import { applyObject, FIELD_MANAGER } from "./objects.ts";

/** Owns the replicas of Deployments until their autoscalers change them. */
const KEEPER = "pushcast-replicas";

/**
 * The replicas that a Deployment would lose: they were applied once, and the manifest has none any
 * more because an autoscaler is to set them. Kubernetes would fall back to 1 until then.
 *
 * @param before the Deployment as the API server has it
 * @returns undefined for anything else
 */
export function replicasToKeep(object: KubeObject, before: KubeObject): number | undefined {
  if (object.kind !== "Deployment" || specOf(object)?.replicas !== undefined) return undefined;
  const isOurs = (before as unknown as V1Deployment).metadata?.managedFields?.some(
    ({ manager, operation, fieldsV1 }) =>
      manager === FIELD_MANAGER && operation === "Apply" && hasReplicas(fieldsV1),
  );
  return isOurs ? specOf(before)?.replicas : undefined;
}

/**
 * Keeps the replicas of a Deployment under another owner, so that they stay when a manifest without
 * them is applied.
 * @throws DeployError naming the Deployment
 */
export async function keepReplicas(
  api: KubeApi,
  { apiVersion, kind, metadata }: KubeObject,
  replicas: number,
): Promise<void> {
  const { name, namespace = "" } = metadata;
  await applyObject(
    api,
    { apiVersion, kind, metadata: { name, namespace }, spec: { replicas } },
    { dryRun: false, force: true, fieldManager: KEEPER },
  );
}

function specOf(object: KubeObject): V1Deployment["spec"] {
  return (object as unknown as V1Deployment).spec;
}

/** As the API server writes down which fields somebody owns. */
function hasReplicas(fields: unknown): boolean {
  const { "f:spec": spec } = (fields ?? {}) as { "f:spec"?: object };
  return spec !== undefined && "f:replicas" in spec;
}
