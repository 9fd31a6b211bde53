import { idle } from "../goals/idle.ts";
import { figureOf, type GoalResults } from "../goals/results.ts";
import { Rounds } from "./median.ts";
import { decimal } from "./page-text.ts";
import type { Results } from "./results.ts";
import { WORKLOADS } from "./workloads.ts";

const OURS = "pushcast";
const CPU = "serverCpuMicrosPerDelivery";
/** Less is nothing on this machine, as the page says. */
const NOTICED = 0.15;

/** Where another system does the same with less. For the head of the page: who reads one line reads this. */
export function costlierSection(results: Results, goals: GoalResults | undefined): string {
  const lines = [cpuLine(results), bytesLine(results), managerLine(results), idleLine(goals)];
  return [
    "## Where pushcast costs more",
    lines.flatMap((line) => (line === undefined ? [] : [`- ${line}`])).join("\n"),
  ].join("\n\n");
}

/** Peers whose CPU a delivery is lower under a workload, with theirs ÷ ours. */
function cheaperPeers(
  { measurements, versions }: Results,
  workload: string,
): { readonly peer: string; readonly ratio: number }[] {
  const ours = new Rounds(measurements, OURS, workload).median(CPU);
  return Object.keys(versions)
    .filter((name) => !name.startsWith(OURS))
    .map((peer) => ({ peer, ratio: new Rounds(measurements, peer, workload).median(CPU) / ours }))
    .filter(({ ratio }) => ratio < 1 - NOTICED)
    .toSorted((a, b) => a.ratio - b.ratio);
}

function cpuLine(results: Results): string | undefined {
  const workloads = WORKLOADS.flatMap(({ name }) => {
    const peers = cheaperPeers(results, name);
    if (peers.length === 0) return [];
    const shares = peers.map(({ peer, ratio }) => `${peer} ${decimal(ratio * 100, 0)} %`);
    return [`${name}: ${shares.join(", ")}`];
  });
  return workloads.length === 0
    ? undefined
    : `**Rooms that are small or seldom pushed to.** There is nothing to join. Of pushcast's CPU a delivery take, in ${workloads.join("; in ")}.`;
}

function bytesLine({ measurements, versions }: Results): string | undefined {
  const all = (system: string) =>
    WORKLOADS.map(({ name }) => new Rounds(measurements, system, name).median("bytesPerDelivery"));
  const ours = Math.max(...all(OURS).filter(Number.isFinite));
  const theirs = Object.keys(versions).filter((name) => !name.startsWith(OURS));
  const most = Math.max(...theirs.flatMap(all).filter(Number.isFinite));
  return ours > most * (1 + NOTICED)
    ? `**Bytes.** A delivery is ${decimal(ours, 0)} bytes to the client, at most ${decimal(most, 0)} with the others: it has an id, room, target, type and time.`
    : undefined;
}

function managerLine({ measurements }: Results): string | undefined {
  const micros = WORKLOADS.map(({ name }) =>
    new Rounds(measurements, OURS, name).median("besideCpuMicrosPerPush"),
  ).filter(Number.isFinite);
  return micros.length === 0
    ? undefined
    : `**A second process.** The tables are of the connect-node; a push also takes ${decimal(Math.min(...micros), 0)} to ${decimal(Math.max(...micros), 0)} µs of a push-manager, which peers of one process do not have.`;
}

function idleLine(goals: GoalResults | undefined): string | undefined {
  const runs = goals?.runs.filter(({ scenario }) => scenario === idle.name) ?? [];
  if (runs.length === 0) return undefined;
  const ours = figureOf(runs, "resident", idle.goals.resident);
  const bare = figureOf(runs, "bareResident", idle.goals.bareResident);
  return ours > bare * (1 + NOTICED)
    ? `**Idle sessions.** One takes ${decimal(ours, 1)} KB, a connection to a bare server of Node's ${decimal(bare, 1)} KB.`
    : undefined;
}
