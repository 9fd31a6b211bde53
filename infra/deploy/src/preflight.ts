import type { V1APIResourceList, V1Namespace, VersionInfo } from "@kubernetes/client-node";
import { explain, isNotFound } from "./api-error.ts";
import { DeployError, ExitCode } from "./deploy-error.ts";
import { groupPath, type Kind } from "./kinds.ts";
import type { KubeApi } from "./kube-api.ts";
import { kindOf } from "./kube-object.ts";
import type { ManifestFile, Manifests } from "./manifests.ts";
import { checkStorage } from "./storage.ts";

/** All fields of the manifests are known, and none is behind a feature gate, from here on. */
const OLDEST_MINOR = 27;

/** What a look at the cluster has found, before anything is changed. */
export interface Preflight {
  /** `v1.31.2` */
  readonly serverVersion: string;
  readonly namespaceExists: boolean;
  /** Files that the cluster has a use for. */
  readonly files: readonly ManifestFile[];
  /** What a person should know, a line each. */
  readonly notes: readonly string[];
}

/**
 * Looks whether the cluster can take these manifests.
 * @throws DeployError if it cannot
 */
export async function preflight(api: KubeApi, manifests: Manifests): Promise<Preflight> {
  const serverVersion = await checkVersion(api);
  const namespaceExists = await checkNamespace(api, manifests);
  const { files, leftOut } = await leaveOutUnknownKinds(api, manifests.files);
  const storage = await checkStorage(api, files);
  return { serverVersion, namespaceExists, files, notes: [...storage, ...leftOut] };
}

async function checkVersion(api: KubeApi): Promise<string> {
  const { major, minor, gitVersion } = await readVersion(api);
  // Some distributions write "24+".
  const isNewEnough = Number(major) > 1 || Number.parseInt(minor, 10) >= OLDEST_MINOR;
  if (isNewEnough) return gitVersion;
  throw new DeployError(
    ExitCode.REFUSED,
    `the server is Kubernetes ${gitVersion}, but 1.${OLDEST_MINOR} or later is needed`,
  );
}

async function readVersion(api: KubeApi): Promise<VersionInfo> {
  try {
    return await api.json<VersionInfo>("GET", "/version");
  } catch (error) {
    throw explain("the server's version", error);
  }
}

async function checkNamespace(api: KubeApi, { namespace, files }: Manifests): Promise<boolean> {
  const isApplied = files.some(({ objects }) => objects.some(({ kind }) => kind === "Namespace"));
  try {
    const { status } = await api.json<V1Namespace>("GET", `/api/v1/namespaces/${namespace}`);
    if (status?.phase !== "Terminating") return true;
  } catch (error) {
    if (!isNotFound(error)) throw explain(`Namespace ${namespace}`, error);
    if (isApplied) return false;
    throw new DeployError(
      ExitCode.REFUSED,
      `Namespace ${namespace}: it does not exist, and the manifests do not have it`,
    );
  }
  throw new DeployError(
    ExitCode.REFUSED,
    `Namespace ${namespace}: it is being deleted; deploy again when it is gone`,
  );
}

async function leaveOutUnknownKinds(
  api: KubeApi,
  files: readonly ManifestFile[],
): Promise<{ files: ManifestFile[]; leftOut: string[] }> {
  const takes = kindsOfCluster(api);
  const kept: ManifestFile[] = [];
  const leftOut: string[] = [];
  for (const file of files) {
    const unknown = await firstUnknownKind(file, takes);
    if (unknown === undefined) {
      kept.push(file);
      continue;
    }
    const { operator, kind } = unknown;
    const why = `the cluster does not know ${kind}, which ${operator.name} brings`;
    if (operator.needed) throw new DeployError(ExitCode.REFUSED, `${file.name}: ${why}`);
    leftOut.push(`${file.name} is left out: ${why}`);
  }
  return { files: kept, leftOut };
}

async function firstUnknownKind(
  { objects }: ManifestFile,
  takes: (kind: Kind) => Promise<boolean>,
): Promise<Required<Kind> | undefined> {
  for (const object of objects) {
    const kind = kindOf(object);
    if (kind?.operator !== undefined && !(await takes(kind))) return kind as Required<Kind>;
  }
  return undefined;
}

/** Answers whether the cluster knows a kind; asks once for each group. */
function kindsOfCluster(api: KubeApi): (kind: Kind) => Promise<boolean> {
  const pluralsOf = new Map<string, ReadonlySet<string>>();
  return async ({ apiVersion, plural }) => {
    const known = pluralsOf.get(apiVersion) ?? (await readPlurals(api, apiVersion));
    pluralsOf.set(apiVersion, known);
    return known.has(plural);
  };
}

async function readPlurals(api: KubeApi, apiVersion: string): Promise<ReadonlySet<string>> {
  try {
    const { resources } = await api.json<V1APIResourceList>("GET", groupPath(apiVersion));
    return new Set(resources.map(({ name }) => name));
  } catch (error) {
    if (isNotFound(error)) return new Set();
    throw explain(apiVersion, error);
  }
}
