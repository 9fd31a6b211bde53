import { DeployError, ExitCode } from "./deploy-error.ts";
import { listInventory } from "./inventory.ts";
import { kindNamed } from "./kinds.ts";
import type { KubeApi } from "./kube-api.ts";
import { type KubeObject, titleOf } from "./kube-object.ts";
import { SYSTEM_SELECTOR } from "./labels.ts";
import { deleteObject, listObjects, readObject } from "./objects.ts";
import { pollPause, seconds, type WaitOptions } from "./wait.ts";

export interface DeleteOptions extends WaitOptions {
  /** Also etcd's volumes. */
  readonly withData: boolean;
}

/**
 * Deletes what this tool applied in a namespace, and waits until it is gone. The Namespace stays, and
 * so do Secrets.
 * @throws DeployError
 */
export async function deleteSystem(
  api: KubeApi,
  namespace: string,
  options: DeleteOptions,
): Promise<void> {
  const { objects, notes } = await listInventory(api, namespace);
  for (const note of notes) options.report(note);
  const volumes = await listObjects(
    api,
    kindNamed("PersistentVolumeClaim"),
    namespace,
    SYSTEM_SELECTOR,
  );
  // Services and policies last as long as the pods, which drain.
  const count = objects.findLastIndex(hasPods) + 1;
  await deleteAll(api, objects.slice(0, count), options);
  await deleteAll(api, objects.slice(count), options);
  if (options.withData) await deleteAll(api, volumes, options);
  else for (const volume of volumes) options.report(`${titleOf(volume)}: kept`);
  if (objects.length === 0) options.report(`nothing was applied in namespace ${namespace}`);
}

function hasPods({ kind }: KubeObject): boolean {
  return kind === "Deployment" || kind === "StatefulSet";
}

async function deleteAll(
  api: KubeApi,
  objects: readonly KubeObject[],
  { clock, timeoutMs, report }: WaitOptions,
): Promise<void> {
  for (const object of objects) await deleteObject(api, object, "Foreground");
  const startedMs = clock.monotonicMs();
  let left = objects;
  for (;;) {
    const there: KubeObject[] = [];
    for (const object of left) {
      if (await isThere(api, object)) there.push(object);
      else report(`${titleOf(object)}: deleted`);
    }
    left = there;
    if (left.length === 0) return;
    if (clock.monotonicMs() - startedMs >= timeoutMs) {
      const what = left.map(titleOf).join(", ");
      throw new DeployError(ExitCode.STALLED, `not gone within ${seconds(timeoutMs)}: ${what}`);
    }
    await pollPause(clock);
  }
}

async function isThere(api: KubeApi, object: KubeObject): Promise<boolean> {
  const now = await readObject(api, object);
  return now !== undefined && now.metadata.uid === object.metadata.uid;
}
