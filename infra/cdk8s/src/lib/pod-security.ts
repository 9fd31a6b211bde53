import type { k8s } from "./k8s.ts";

/** The user of the images, as a number: with a name, Kubernetes cannot tell that it is not root. */
const USER_ID = 1000;

/** For a pod that the Pod Security level "restricted" admits. */
export const RESTRICTED_POD: k8s.PodSecurityContext = {
  runAsNonRoot: true,
  runAsUser: USER_ID,
  runAsGroup: USER_ID,
  seccompProfile: { type: "RuntimeDefault" },
};

/** For a pod that also writes to volumes. */
export const RESTRICTED_POD_WITH_VOLUMES: k8s.PodSecurityContext = {
  ...RESTRICTED_POD,
  fsGroup: USER_ID,
  fsGroupChangePolicy: "OnRootMismatch",
};

/** For each container of such a pod; beyond "restricted", its root file system is read-only. */
export const RESTRICTED_CONTAINER: k8s.SecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  readOnlyRootFilesystem: true,
};

/** What makes a namespace refuse any other pod. */
export const RESTRICTED_NAMESPACE = {
  "pod-security.kubernetes.io/enforce": "restricted",
  "pod-security.kubernetes.io/audit": "restricted",
  "pod-security.kubernetes.io/warn": "restricted",
} as const;
