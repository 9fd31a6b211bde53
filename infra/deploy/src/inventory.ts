import { isNotFound } from "./api-error.ts";
import { KINDS, type Kind } from "./kinds.ts";
import type { KubeApi } from "./kube-api.ts";
import { type KubeObject, titleOf } from "./kube-object.ts";
import { INVENTORY_SELECTOR } from "./labels.ts";
import type { Manifests } from "./manifests.ts";
import { listObjects } from "./objects.ts";

/**
 * What this tool once applied in a namespace, those that use others before them. Volumes, Secrets and
 * the Namespace are never among it.
 * @throws DeployError
 */
export async function listInventory(api: KubeApi, namespace: string): Promise<KubeObject[]> {
  const found: KubeObject[] = [];
  for (const kind of KINDS.filter(({ pruned }) => pruned).reverse()) {
    found.push(...(await listKnown(api, kind, namespace)));
  }
  return found;
}

/**
 * What of the inventory the manifests do not have any more, and is not going yet.
 * @throws DeployError
 */
export async function listSuperfluous(
  api: KubeApi,
  { namespace, files }: Manifests,
): Promise<KubeObject[]> {
  const wanted = new Set(files.flatMap(({ objects }) => objects.map(titleOf)));
  const inventory = await listInventory(api, namespace);
  return inventory.filter(
    (object) => !wanted.has(titleOf(object)) && object.metadata.deletionTimestamp === undefined,
  );
}

async function listKnown(api: KubeApi, kind: Kind, namespace: string): Promise<KubeObject[]> {
  try {
    const objects = await listObjects(api, kind, namespace, INVENTORY_SELECTOR);
    // Controllers pass labels on to what they make, and it goes with its owner.
    return objects.filter(({ metadata }) => metadata.ownerReferences === undefined);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
