import type {
  V1PersistentVolumeList,
  V1StatefulSet,
  V1StorageClass,
  V1StorageClassList,
} from "@kubernetes/client-node";
import { explain, isForbidden } from "./api-error.ts";
import { DeployError, ExitCode } from "./deploy-error.ts";
import type { KubeApi } from "./kube-api.ts";
import type { ManifestFile } from "./manifests.ts";

const IS_DEFAULT = "storageclass.kubernetes.io/is-default-class";

/**
 * Looks whether the cluster can make the volumes that the StatefulSets ask for.
 *
 * @returns a line for a person on each storage class
 * @throws DeployError if a volume would never come
 */
export async function checkStorage(
  api: KubeApi,
  files: readonly ManifestFile[],
): Promise<string[]> {
  const wanted = wantedClasses(files);
  if (wanted.size === 0) return [];
  try {
    const path = "/apis/storage.k8s.io/v1/storageclasses";
    const { items } = await api.json<V1StorageClassList>("GET", path);
    const notes: string[] = [];
    for (const [className, claimant] of wanted) {
      notes.push(await checkClass(api, items, className, claimant));
    }
    return notes;
  } catch (error) {
    if (isForbidden(error)) return ["storage classes cannot be looked at: forbidden"];
    throw explain("storage classes", error);
  }
}

/** Storage classes, undefined for the cluster's default, and who asks for each. */
function wantedClasses(files: readonly ManifestFile[]): Map<string | undefined, string> {
  const wanted = new Map<string | undefined, string>();
  for (const object of files.flatMap(({ objects }) => objects)) {
    if (object.kind !== "StatefulSet") continue;
    const { spec } = object as unknown as V1StatefulSet;
    for (const claim of spec?.volumeClaimTemplates ?? []) {
      wanted.set(claim.spec?.storageClassName, `StatefulSet ${object.metadata.name}`);
    }
  }
  return wanted;
}

async function checkClass(
  api: KubeApi,
  classes: readonly V1StorageClass[],
  className: string | undefined,
  claimant: string,
): Promise<string> {
  const names = classes.map(({ metadata }) => metadata?.name ?? "");
  const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
  if (className === undefined) {
    const standard = classes.find(({ metadata }) => metadata?.annotations?.[IS_DEFAULT] === "true");
    if (standard !== undefined) return `storage class ${standard.metadata?.name} (the default)`;
    throw missing(
      `${claimant}: the cluster has no default storage class, and none is named (${known})`,
    );
  }
  if (names.includes(className)) return `storage class ${className}`;
  // Volumes made by hand may be of a class that does not exist.
  if (await hasVolumesOf(api, className))
    return `storage class ${className} (volumes made by hand)`;
  throw missing(`${claimant}: the cluster does not have the storage class ${className} (${known})`);
}

async function hasVolumesOf(api: KubeApi, className: string): Promise<boolean> {
  const { items } = await api.json<V1PersistentVolumeList>("GET", "/api/v1/persistentvolumes");
  return items.some(({ spec }) => spec?.storageClassName === className);
}

function missing(message: string): DeployError {
  return new DeployError(ExitCode.REFUSED, message);
}
