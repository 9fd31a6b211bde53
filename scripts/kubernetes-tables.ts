import { PROFILES, resolveConfig } from "@pushcast/cdk8s";
import { nodeSettings } from "@pushcast/connect-node";
import {
  type Manifest,
  manifestsOf,
  ofKind,
  type Workload,
  workloadsOf,
} from "../infra/cdk8s/test/support/manifests.ts";

const profiles = Object.keys(PROFILES).map((name) => {
  const manifests = manifestsOf(resolveConfig(name));
  return { name, manifests, workloads: workloadsOf(manifests) };
});

/** How many pods of which size the manifests of each profile ask for. */
export function sizesTable(): string {
  const rows = profiles.flatMap(({ name, manifests, workloads }) =>
    workloads.map((workload) => {
      const { manifest, spec, containers } = workload;
      const { requests, limits } = containers[0]?.resources ?? {};
      const cells = [
        name,
        manifest.metadata?.name,
        podsOf(workload, manifests),
        requests?.cpu,
        limits?.memory,
        volumeOf(workload) ?? "–",
        `${spec.terminationGracePeriodSeconds} s`,
      ];
      return `| ${cells.join(" | ")} |`;
    }),
  );
  return [
    "| profile | workload | pods | CPU reserved | memory | volume | may take to stop |",
    "|---|---|--:|--:|--:|--:|--:|",
    ...rows,
  ].join("\n");
}

/** What a connect-node does after SIGTERM, and when, by the manifests of each profile. */
export function drainTable(): string {
  const timelines = profiles.map(({ workloads }) => timelineOf(workloads));
  const row = (moment: keyof Timeline, what: string) => {
    const times = timelines.map((timeline) => `${timeline[moment]} s`);
    return `| ${times.join(" | ")} | ${what} |`;
  };
  return [
    `| ${profiles.map(({ name }) => name).join(" | ")} | |`,
    `|${"--:|".repeat(profiles.length)}---|`,
    row(
      "begins",
      "`/readyz` is 503, and the pod leaves its Services; it still accepts clients that come, for `DRAIN_ACCEPT_SECONDS`",
    ),
    row(
      "tells",
      "handshakes get 503; clients are told to reconnect elsewhere, one after another, for `DRAIN_SECONDS`. When the last has left, the rest comes at once",
    ),
    row(
      "closes",
      "who is still there is closed with 1012; links are ended and the lease is given back, for `STOP_SECONDS` at most; exit 0",
    ),
    row("gaveUp", "if that could not be done, exit 1"),
    row("killed", "the kubelet would kill it: `terminationGracePeriodSeconds`"),
  ].join("\n");
}

/** Seconds after SIGTERM. */
interface Timeline {
  readonly begins: number;
  readonly tells: number;
  readonly closes: number;
  readonly gaveUp: number;
  readonly killed: number;
}

function timelineOf(workloads: readonly Workload[]): Timeline {
  const node = workloads.find(({ manifest }) => manifest.metadata?.name === "connect-node");
  if (node === undefined) throw new Error("there is no connect-node");
  const seconds = (name: "DRAIN_ACCEPT_SECONDS" | "DRAIN_SECONDS" | "STOP_SECONDS") => {
    const given = node.containers[0]?.env?.find((variable) => variable.name === name)?.value;
    return given === undefined ? nodeSettings[name].default : Number(given);
  };
  const tells = seconds("DRAIN_ACCEPT_SECONDS");
  const closes = tells + seconds("DRAIN_SECONDS");
  return {
    begins: 0,
    tells,
    closes,
    gaveUp: closes + seconds("STOP_SECONDS"),
    killed: node.spec.terminationGracePeriodSeconds ?? Number.NaN,
  };
}

function podsOf({ manifest }: Workload, manifests: readonly Manifest[]): string {
  const autoscaler = ofKind(manifests, "HorizontalPodAutoscaler").find(
    ({ spec }) => spec?.scaleTargetRef.name === manifest.metadata?.name,
  );
  if (autoscaler === undefined) return String(manifest.spec?.replicas);
  return `${autoscaler.spec?.minReplicas} to ${autoscaler.spec?.maxReplicas}`;
}

function volumeOf({ manifest }: Workload): unknown {
  if (manifest.kind !== "StatefulSet") return undefined;
  return manifest.spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.storage;
}
