import { changesBetween, type FieldChange } from "./changes.ts";
import type { KubeApi } from "./kube-api.ts";
import { type KubeObject, kindOf } from "./kube-object.ts";
import type { ManifestFile } from "./manifests.ts";
import { type ApplyOptions, applyObject, readObject } from "./objects.ts";
import { keepReplicas, replicasToKeep } from "./replicas.ts";
import { concealSecrets } from "./secrets.ts";

/** What applying an object does to it. */
export interface Applied {
  readonly object: KubeObject;
  readonly outcome: "created" | "configured" | "unchanged";
  /** Where it was there before; secret values are concealed. */
  readonly changes: readonly FieldChange[];
  /** The API server was not asked: in a dry run there is no namespace to put it in. */
  readonly isUntried: boolean;
}

/**
 * Applies the objects of some files, one after the other.
 *
 * @param namespaceExists before the first of them
 * @throws DeployError naming the first object that is refused
 */
export async function* applyFiles(
  api: KubeApi,
  files: readonly ManifestFile[],
  options: ApplyOptions & { readonly namespaceExists: boolean },
): AsyncGenerator<Applied> {
  for (const object of files.flatMap(({ objects }) => objects)) {
    const isUntried =
      options.dryRun && !options.namespaceExists && kindOf(object)?.namespaced === true;
    yield isUntried
      ? { object, outcome: "created", changes: [], isUntried }
      : await applyOne(api, object, options);
  }
}

async function applyOne(api: KubeApi, object: KubeObject, options: ApplyOptions): Promise<Applied> {
  const before = await readObject(api, object);
  if (before === undefined) {
    await applyObject(api, object, options);
    return { object, outcome: "created", changes: [], isUntried: false };
  }
  const kept = replicasToKeep(object, before);
  if (kept !== undefined && !options.dryRun) await keepReplicas(api, object, kept);
  const after = await applyObject(api, object, options);
  const changes = changesBetween(concealSecrets(before), concealSecrets(after)).filter(
    ({ path }) => kept === undefined || path !== "spec.replicas",
  );
  const outcome = changes.length === 0 ? "unchanged" : "configured";
  return { object, outcome, changes, isUntried: false };
}
