import { isForbidden, isNotFound } from "./api-error.ts";
import { DeployError } from "./deploy-error.ts";
import { KINDS, type Kind } from "./kinds.ts";
import type { KubeApi } from "./kube-api.ts";
import { type KubeObject, titleOf } from "./kube-object.ts";
import { INVENTORY_SELECTOR } from "./labels.ts";
import type { Manifests } from "./manifests.ts";
import { listObjects } from "./objects.ts";

/** What this tool once applied in a namespace. */
export interface Inventory {
  /** Those that use others before them. Volumes, Secrets and the Namespace are never among them. */
  readonly objects: readonly KubeObject[];
  /** What a person should know, a line each. */
  readonly notes: readonly string[];
}

/** @throws DeployError */
export async function listInventory(api: KubeApi, namespace: string): Promise<Inventory> {
  const objects: KubeObject[] = [];
  const hidden: string[] = [];
  for (const kind of KINDS.filter(({ pruned }) => pruned).reverse()) {
    const found = await listKnown(api, kind, namespace);
    if (found === "forbidden") hidden.push(kind.plural);
    else objects.push(...found);
  }
  const notes =
    hidden.length === 0
      ? []
      : [`${hidden.join(", ")} cannot be looked at: forbidden; if there are any, they stay`];
  return { objects, notes };
}

/**
 * The inventory without what the manifests still have, and what is going already.
 * @throws DeployError
 */
export async function listSuperfluous(
  api: KubeApi,
  { namespace, files }: Manifests,
): Promise<Inventory> {
  const wanted = new Set(files.flatMap(({ objects }) => objects.map(titleOf)));
  const { objects, notes } = await listInventory(api, namespace);
  const superfluous = objects.filter(
    (object) => !wanted.has(titleOf(object)) && object.metadata.deletionTimestamp === undefined,
  );
  return { objects: superfluous, notes };
}

/** An operator's kind may be forbidden where nobody ever applied one, also where it does not exist. */
async function listKnown(
  api: KubeApi,
  kind: Kind,
  namespace: string,
): Promise<KubeObject[] | "forbidden"> {
  try {
    const objects = await listObjects(api, kind, namespace, INVENTORY_SELECTOR);
    // Controllers pass labels on to what they make, and it goes with its owner.
    return objects.filter(({ metadata }) => metadata.ownerReferences === undefined);
  } catch (error) {
    if (isNotFound(error)) return [];
    const isHidden = error instanceof DeployError && isForbidden(error.cause);
    if (isHidden && kind.operator !== undefined) return "forbidden";
    throw error;
  }
}
