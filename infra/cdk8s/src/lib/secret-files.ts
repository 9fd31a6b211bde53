import type { SecretFiles } from "../config/files.ts";
import type { k8s } from "./k8s.ts";
import { RESTRICTED_POD_WITH_VOLUMES } from "./pod-security.ts";

export interface MountedFiles {
  /** The path of each file, by the setting that is to have it. */
  readonly paths: Readonly<Record<string, string>>;
  /** What the pod needs for them. */
  readonly pod: Pick<k8s.PodSpec, "securityContext" | "volumes">;
  readonly container: Pick<k8s.Container, "volumeMounts">;
}

const VOLUME = "secrets";
const FOLDER = "/etc/pushcast";
/** For the pod's own group alone. */
const MODE = 0o440;

/**
 * Files of keys of Secrets, which only the pod's own user can read. The kubelet puts new versions there when a
 * Secret changes, all of them at once.
 */
export function mountFiles(files: SecretFiles): MountedFiles {
  const given = Object.entries(files).flatMap(([setting, secret]) =>
    secret === undefined ? [] : [{ setting, secret, file: fileName(setting) }],
  );
  if (given.length === 0) return { paths: {}, pod: {}, container: {} };
  const sources = given.map(({ secret: { name, key }, file }) => ({
    secret: { name, items: [{ key, path: file }] },
  }));
  return {
    paths: Object.fromEntries(given.map(({ setting, file }) => [setting, `${FOLDER}/${file}`])),
    pod: {
      securityContext: RESTRICTED_POD_WITH_VOLUMES,
      volumes: [{ name: VOLUME, projected: { defaultMode: MODE, sources } }],
    },
    container: { volumeMounts: [{ name: VOLUME, mountPath: FOLDER, readOnly: true }] },
  };
}

/** `jwt-public-key`, of JWT_PUBLIC_KEY_FILE. */
function fileName(setting: string): string {
  return setting
    .replace(/_FILE$/, "")
    .replaceAll("_", "-")
    .toLowerCase();
}
