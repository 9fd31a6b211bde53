import { type Applied, applyFiles } from "./apply.ts";
import { describeChange } from "./changes-text.ts";
import type { ApplyCommand } from "./command.ts";
import { ExitCode } from "./deploy-error.ts";
import { listSuperfluous } from "./inventory.ts";
import { KubeApi } from "./kube-api.ts";
import { titleOf } from "./kube-object.ts";
import { readKubeconfig } from "./kubeconfig.ts";
import { loadManifests } from "./manifest-source.ts";
import type { Manifests } from "./manifests.ts";
import { deleteObject } from "./objects.ts";
import { type Preflight, preflight } from "./preflight.ts";
import { waitForHealth } from "./status.ts";
import { describeStatus } from "./status-line.ts";
import type { Surroundings } from "./surroundings.ts";
import { waitForRollouts } from "./wait-for-rollouts.ts";

/**
 * Looks, applies, prunes, waits and says what runs; or only says what it would change.
 * @returns the exit code
 * @throws DeployError
 */
export async function runApply(command: ApplyCommand, around: Surroundings): Promise<ExitCode> {
  const { kubeconfig: file, context } = command;
  const manifests = loadManifests(command.source);
  const access = readKubeconfig({ file, context, env: around.env });
  const api = new KubeApi(access);
  const cluster = await preflight(api, manifests);
  around.print(`context ${access.context}: ${access.server}, Kubernetes ${cluster.serverVersion}`);
  if (!cluster.namespaceExists) around.print(`namespace ${manifests.namespace} is new`);
  for (const note of cluster.notes) around.print(note);

  const work = { api, manifests, cluster, command, around };
  const changes = (await apply(work)) + (await prune(work));
  if (command.mode === "apply") return waitForSystem(work);
  if (changes === 0) around.print("nothing would change");
  return changes > 0 && command.exitCode ? ExitCode.DIFFERS : ExitCode.OK;
}

/** One run of the command. */
interface Work {
  readonly api: KubeApi;
  readonly manifests: Manifests;
  readonly cluster: Preflight;
  readonly command: ApplyCommand;
  readonly around: Surroundings;
}

/** Gives the number of objects that are not as they were. */
async function apply({ api, cluster, command, around }: Work): Promise<number> {
  let changed = 0;
  const steps = applyFiles(api, cluster.files, {
    dryRun: command.mode !== "apply",
    force: command.forceConflicts,
    namespaceExists: cluster.namespaceExists,
  });
  for await (const applied of steps) {
    if (applied.outcome !== "unchanged") changed++;
    for (const line of describeApplied(applied, command.mode)) around.print(line);
  }
  return changed;
}

function describeApplied(
  { object, outcome, changes, isUntried }: Applied,
  mode: ApplyCommand["mode"],
): string[] {
  if (mode === "apply") return [`${titleOf(object)}: ${outcome}`];
  if (outcome === "unchanged") return mode === "diff" ? [] : [`${titleOf(object)}: unchanged`];
  const doubt = isUntried ? " (unchecked: its namespace does not exist yet)" : "";
  const line = `${titleOf(object)}: would be ${outcome}${doubt}`;
  if (mode === "dry-run") return [line];
  return [line, ...changes.flatMap(describeChange).map((change) => `  ${change}`)];
}

/** Gives the number of objects that go. */
async function prune({ api, manifests, cluster, command, around }: Work): Promise<number> {
  if (!cluster.namespaceExists) return 0;
  const { objects, notes } = await listSuperfluous(api, manifests);
  for (const note of notes) around.print(note);
  for (const object of objects) {
    if (command.mode === "apply") await deleteObject(api, object, "Background");
    const what = command.mode === "apply" ? "deleted" : "would be deleted";
    around.print(`${titleOf(object)}: ${what}, the manifests do not have it any more`);
  }
  return objects.length;
}

async function waitForSystem({
  api,
  manifests,
  cluster,
  command,
  around,
}: Work): Promise<ExitCode> {
  const { timeoutMs, patienceMs } = command;
  const { clock, print } = around;
  const startedMs = clock.monotonicMs();
  const applied = cluster.files.flatMap(({ objects }) => objects);
  await waitForRollouts(api, applied, { clock, timeoutMs, patienceMs, report: print });
  const leftMs = timeoutMs - (clock.monotonicMs() - startedMs);
  const lines = await waitForHealth(api, manifests.namespace, { clock, timeoutMs: leftMs });
  for (const line of lines.flatMap(describeStatus)) print(line);
  return lines.every(({ isHealthy }) => isHealthy) ? ExitCode.OK : ExitCode.STALLED;
}
