import { groupPath, KINDS, type Kind } from "./kinds.ts";

/** An object as it stands in a manifest or in an answer of the API server. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}

export interface ObjectMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly deletionTimestamp?: string;
  readonly ownerReferences?: readonly unknown[];
  readonly [field: string]: unknown;
}

/** `Deployment connect-node` */
export function titleOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.name}`;
}

/** The entry of {@link KINDS} for an object; undefined if this tool does not know its kind. */
export function kindOf({ apiVersion, kind }: KubeObject): Kind | undefined {
  return KINDS.find((known) => known.kind === kind && known.apiVersion === apiVersion);
}

/** The path of all objects of a kind in a namespace. */
export function collectionPath(kind: Kind, namespace: string | undefined): string {
  const scope = kind.namespaced ? `/namespaces/${namespace}` : "";
  return `${groupPath(kind.apiVersion)}${scope}/${kind.plural}`;
}

/**
 * The path of an object.
 * @throws TypeError if this tool does not know its kind
 */
export function objectPath(object: KubeObject): string {
  const kind = kindOf(object);
  if (kind === undefined) throw new TypeError(`unknown kind: ${titleOf(object)}`);
  return `${collectionPath(kind, object.metadata.namespace)}/${object.metadata.name}`;
}

/** The query parameter that selects objects with all of these labels. */
export function labelSelector(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
}
