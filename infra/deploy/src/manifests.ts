import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { DeployError, ExitCode } from "./deploy-error.ts";
import { type KubeObject, kindOf, titleOf } from "./kube-object.ts";
import { INVENTORY_LABELS } from "./labels.ts";

export interface ManifestFile {
  /** Without its folder. */
  readonly name: string;
  readonly objects: readonly KubeObject[];
}

/** What is to stand in a cluster, labelled as this tool's. */
export interface Manifests {
  /** In the order in which they are applied: that of their names. */
  readonly files: readonly ManifestFile[];
  /** That of all objects. */
  readonly namespace: string;
}

/**
 * Reads a folder of manifests, as `cdk8s synth` writes it.
 * @throws DeployError if there are none, or one is broken or of no use to this tool
 */
export function readManifests(folder: string): Manifests {
  const names = manifestNames(folder);
  if (names.length === 0) throw broken(`${folder} has no manifests (*.yaml)`);
  const files = names.map((name) => ({ name, objects: readObjects(join(folder, name)) }));
  return { files, namespace: namespaceOf(files, folder) };
}

function manifestNames(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw broken(`there is no folder ${folder}`);
  }
  return readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort();
}

function readObjects(file: string): KubeObject[] {
  const documents = parseAllDocuments(readFileSync(file, "utf8"));
  return [...documents].flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      throw broken(`${file} is not YAML: ${error.message.split("\n")[0]}`, error);
    }
    const value: unknown = document.toJS();
    return value === null ? [] : [checkObject(value, file)];
  });
}

function checkObject(value: unknown, file: string): KubeObject {
  const { apiVersion, kind, metadata } = value as Partial<KubeObject>;
  if (!apiVersion || !kind || !metadata?.name) {
    throw broken(`${file} holds something without apiVersion, kind or metadata.name`);
  }
  const object = value as KubeObject;
  if (kindOf(object) === undefined) {
    throw broken(
      `${file}: ${titleOf(object)}: this tool does not apply ${kind} of ${apiVersion}; use kubectl for it`,
    );
  }
  const labels = { ...metadata.labels, ...INVENTORY_LABELS };
  return { ...object, metadata: { ...metadata, labels } };
}

function namespaceOf(files: readonly ManifestFile[], folder: string): string {
  const objects = files.flatMap((file) => file.objects);
  const owners = new Map<string | undefined, KubeObject>();
  for (const object of objects) {
    const { name, namespace } = object.metadata;
    owners.set(object.kind === "Namespace" ? name : namespace, object);
  }
  const homeless = owners.get(undefined);
  if (homeless !== undefined) throw broken(`${folder}: ${titleOf(homeless)} has no namespace`);
  const [namespace, other] = [...owners.keys()];
  if (namespace === undefined) throw broken(`${folder} has no objects`);
  if (other !== undefined) {
    throw broken(`${folder} has objects of more than one namespace: ${namespace} and ${other}`);
  }
  return namespace;
}

function broken(message: string, cause?: unknown): DeployError {
  return new DeployError(ExitCode.CONFIG, message, { cause });
}
