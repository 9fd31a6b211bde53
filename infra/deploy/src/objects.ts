import { explain, isNotFound } from "./api-error.ts";
import type { Kind } from "./kinds.ts";
import type { KubeApi } from "./kube-api.ts";
import { collectionPath, type KubeObject, objectPath, titleOf } from "./kube-object.ts";

/** Who owns the fields that this tool applies. */
export const FIELD_MANAGER = "pushcast";

export interface ApplyOptions {
  /** The server does all but keep the result. */
  readonly dryRun: boolean;
  /** Takes fields over that others manage, instead of failing. */
  readonly force: boolean;
  /** @default {@link FIELD_MANAGER} */
  readonly fieldManager?: string;
}

/**
 * The object as the API server has it now.
 * @throws DeployError naming the object
 */
export async function readObject(
  api: KubeApi,
  object: KubeObject,
): Promise<KubeObject | undefined> {
  try {
    return await api.json<KubeObject>("GET", objectPath(object));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw explain(titleOf(object), error);
  }
}

/**
 * Applies an object on the server's side: creates it, or changes the fields that it has.
 * @returns the object as it then is
 * @throws DeployError naming the object
 */
export async function applyObject(
  api: KubeApi,
  object: KubeObject,
  { dryRun, force, fieldManager = FIELD_MANAGER }: ApplyOptions,
): Promise<KubeObject> {
  try {
    return await api.json<KubeObject>("PATCH", objectPath(object), {
      // JSON is YAML, and the only body that the client's transport needs to know.
      contentType: "application/apply-patch+yaml",
      query: {
        fieldManager,
        force: String(force),
        ...(dryRun && { dryRun: "All" }),
      },
      body: object,
    });
  } catch (error) {
    throw explain(titleOf(object), error);
  }
}

/**
 * The objects of a kind that a selector matches.
 * @throws DeployError naming the kind; ApiError with 404 if the cluster does not know it
 */
export async function listObjects(
  api: KubeApi,
  kind: Kind,
  namespace: string,
  selector: string,
): Promise<KubeObject[]> {
  try {
    const { items } = await api.json<{ items: KubeObject[] }>(
      "GET",
      collectionPath(kind, namespace),
      { query: { labelSelector: selector } },
    );
    // Items of a list do not say what they are.
    return items.map((item) => ({ ...item, apiVersion: kind.apiVersion, kind: kind.kind }));
  } catch (error) {
    throw isNotFound(error) ? error : explain(kind.plural, error);
  }
}

/**
 * Deletes exactly this object, not another of its name; nothing if it is gone already.
 *
 * @param propagation Foreground: it goes when all that it owns has gone
 * @throws DeployError naming the object
 */
export async function deleteObject(
  api: KubeApi,
  object: KubeObject,
  propagation: "Background" | "Foreground",
): Promise<void> {
  try {
    await api.request("DELETE", objectPath(object), {
      body: {
        apiVersion: "v1",
        kind: "DeleteOptions",
        preconditions: { uid: object.metadata.uid },
        propagationPolicy: propagation,
      },
    });
  } catch (error) {
    if (!isNotFound(error)) throw explain(titleOf(object), error);
  }
}
