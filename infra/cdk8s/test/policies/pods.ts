import { ofKind, type Workload, workloadsOf } from "../support/manifests.ts";
import type { Policy } from "./policy.ts";

/** Of every container of every workload. */
function containerPolicy(
  name: string,
  problem: (container: Workload["containers"][number], workload: Workload) => string | false,
): Policy {
  return {
    name,
    violations: (manifests) =>
      workloadsOf(manifests).flatMap((workload) =>
        workload.containers.flatMap((container) => {
          const found = problem(container, workload);
          return found === false ? [] : [`${workload.name} ${found}`];
        }),
      ),
  };
}

export const containersHaveResources = containerPolicy(
  "a container reserves CPU and memory, and its memory is limited to what is reserved",
  ({ resources }) => {
    const { cpu, memory } = resources?.requests ?? {};
    const limit = resources?.limits?.memory;
    return (
      (cpu === undefined || memory === undefined || limit !== memory) &&
      `reserves ${cpu} CPU and ${memory} memory, limited to ${limit}`
    );
  },
);

export const containersHaveProbes = containerPolicy(
  "a container is probed: /livez for whether it lives, /readyz for whether it serves",
  ({ startupProbe, livenessProbe, readinessProbe }) => {
    const paths = [startupProbe, livenessProbe, readinessProbe].map(
      (probe) => probe?.httpGet?.path ?? "nothing",
    );
    return paths.join() !== "/livez,/livez,/readyz" && `is asked for ${paths.join(", ")}`;
  },
);

export const imagesArePinned = containerPolicy(
  "an image has a tag that is not latest",
  ({ image = "" }) => !/:(?!latest$)[\w.-]+$|@sha256:[0-9a-f]{64}$/.test(image) && `runs ${image}`,
);

export const crashesLeaveTheirReason = containerPolicy(
  "what a container that crashed has logged last stands in its pod's status",
  ({ terminationMessagePolicy }) =>
    terminationMessagePolicy !== "FallbackToLogsOnError" && `keeps ${terminationMessagePolicy}`,
);

/** What a variable names has to be where the kubelet puts it, and nobody may write there. */
export const filesAreMounted: Policy = {
  name: "a variable that names a file of a Secret names one that its container has, and cannot write",
  violations: (manifests) =>
    workloadsOf(manifests).flatMap(({ name, spec, containers }) =>
      containers.flatMap(({ env = [], volumeMounts = [] }) => {
        const projected = (volume: string) =>
          spec.volumes?.find((found) => found.name === volume)?.projected?.sources ?? [];
        const files = volumeMounts.flatMap((mount) =>
          mount.readOnly === true
            ? projected(mount.name).flatMap(({ secret }) =>
                (secret?.items ?? []).map(({ path }) => `${mount.mountPath}/${path}`),
              )
            : [],
        );
        return env
          .filter(({ name, value }) => name.endsWith("_FILE") && !files.includes(value ?? ""))
          .map((variable) => `${name} has no ${variable.value} for ${variable.name}`);
      }),
    ),
};

/** They work with the Kubernetes API. */
const NEED_TOKENS = new Set<string | undefined>(["deletion-cost"]);

export const podsHaveNoToken: Policy = {
  name: "no pod but of a controller has a token of the Kubernetes API, and each workload an account of its own",
  violations: (manifests) => {
    const accounts = ofKind(manifests, "ServiceAccount");
    return [
      ...accounts
        .filter((account) => account.automountServiceAccountToken !== false)
        .map(({ metadata }) => `ServiceAccount/${metadata?.name} gives a token`),
      ...workloadsOf(manifests).flatMap(({ name, spec, manifest }) => {
        const account = spec.serviceAccountName;
        if (spec.automountServiceAccountToken !== NEED_TOKENS.has(manifest.metadata?.name)) {
          return [
            `${name} ${spec.automountServiceAccountToken === false ? "lacks" : "mounts"} a token`,
          ];
        }
        if (account !== manifest.metadata?.name) return [`${name} runs as ${account}`];
        return accounts.some(({ metadata }) => metadata?.name === account)
          ? []
          : [`${name} runs as ${account}, which is not there`];
      }),
    ];
  },
};

/** Or a Service's name gives variables to programs that take them for their own. */
export const podsHaveNoServiceLinks: Policy = {
  name: "no pod gets variables for the Services of its namespace",
  violations: (manifests) =>
    workloadsOf(manifests)
      .filter(({ spec }) => spec.enableServiceLinks !== false)
      .map(({ name }) => `${name} gets them`),
};

/** As https://kubernetes.io/docs/concepts/security/pod-security-standards/ has it, field by field. */
export const podsAreRestricted: Policy = {
  name: "every pod keeps to the Pod Security level restricted, and the namespace asks for it",
  violations: (manifests) => [
    ...workloadsOf(manifests).flatMap(beyondRestricted),
    ...ofKind(manifests, "Namespace")
      .filter(
        ({ metadata }) => metadata?.labels?.["pod-security.kubernetes.io/enforce"] !== "restricted",
      )
      .map(({ metadata }) => `Namespace/${metadata?.name} admits others`),
  ],
};

const VOLUME_TYPES = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);

/** What Kubernetes 1.32 admits. */
const SYSCTLS = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
]);

function beyondRestricted({ name, spec, containers }: Workload): string[] {
  const pod = spec.securityContext;
  const breaks: string[] = [];
  const require = (holds: boolean, field: string) => {
    if (!holds) breaks.push(`${name}: ${field}`);
  };
  require(!spec.hostNetwork && !spec.hostPID && !spec.hostIPC, "host namespaces");
  require(pod?.runAsNonRoot === true, "runAsNonRoot");
  require(pod?.runAsUser !== 0, "runAsUser");
  require(pod?.seccompProfile?.type === "RuntimeDefault", "seccompProfile");
  require((pod?.sysctls ?? []).every((sysctl) => SYSCTLS.has(sysctl.name)), "sysctls");
  require((spec.volumes ?? []).every((volume) =>
    Object.keys(volume).every((key) => key === "name" || VOLUME_TYPES.has(key)),
  ), "volumes");
  for (const { securityContext: own, ports } of containers) {
    require(own?.allowPrivilegeEscalation === false, "allowPrivilegeEscalation");
    require(own?.capabilities?.drop?.includes("ALL") === true, "capabilities.drop");
    require((own?.capabilities?.add ?? []).length === 0, "capabilities.add");
    require(!own?.privileged, "privileged");
    require(own?.procMount === undefined, "procMount");
    // What a container says goes before what its pod says.
    require(own?.runAsNonRoot ?? true, "runAsNonRoot");
    require(own?.runAsUser !== 0, "runAsUser");
    require((own?.seccompProfile?.type ?? "RuntimeDefault") === "RuntimeDefault", "seccompProfile");
    require((ports ?? []).every(({ hostPort }) => hostPort === undefined), "hostPort");
    // Beyond the level.
    require(own?.readOnlyRootFilesystem === true, "readOnlyRootFilesystem");
  }
  return breaks;
}
