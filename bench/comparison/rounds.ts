import { productCommit } from "../product-commit.ts";
import { machine } from "../table.ts";
import { measure } from "./measure.ts";
import { faultsOf, type Measured, type Measurement } from "./measurement.ts";
import { readResults, writeResults } from "./results.ts";
import type { System } from "./systems/system.ts";
import type { Workload } from "./workloads.ts";

export interface Comparison {
  readonly systems: readonly System[];
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  /** Whether what was measured before stays. */
  readonly keeps: boolean;
}

/**
 * Every system under every workload in turn, round after round; what came out is written after each.
 * Returns whether all were measured, and ours without a fault.
 */
export async function compare(comparison: Comparison): Promise<boolean> {
  const { systems, workloads, rounds, keeps } = comparison;
  const before = keeps ? readResults() : undefined;
  const versions = Object.fromEntries(systems.map((system) => [system.name, versionOf(system)]));
  const commit = productCommit();
  const measurements = [...(before?.measurements ?? [])];
  let isFaultless = true;
  for (let round = 1; round <= rounds; round += 1) {
    for (const workload of workloads) {
      for (const system of systems) {
        const measured = await tryToMeasure(system, workload);
        const isOurs = system.dialect === "pushcast";
        if (measured === undefined || (isOurs && faultsOf(measured) > 0)) isFaultless = false;
        if (measured === undefined) continue;
        const earlier = measurements.filter((one) => isSame(one, measured)).length;
        measurements.push({ ...measured, round: earlier + 1, commit });
        writeResults({
          machine: machine(),
          versions: { ...before?.versions, ...versions },
          measurements,
        });
      }
    }
  }
  return isFaultless;
}

/** One system that cannot be measured leaves the others theirs. */
async function tryToMeasure(system: System, workload: Workload): Promise<Measured | undefined> {
  try {
    const measured = await measure(system, workload);
    console.error(line(measured));
    return measured;
  } catch (error) {
    console.error(`${workload.name} · ${system.name} could not be measured:`, error);
    return undefined;
  }
}

function isSame(one: Measurement, { system, workload }: Measured): boolean {
  return one.system === system && one.workload === workload;
}

function versionOf(system: System): string {
  try {
    return system.version();
  } catch (error) {
    throw new Error(`${system.name} is not installed: run bench/install-peers.sh`, {
      cause: error,
    });
  }
}

function line(one: Measured): string {
  return [
    one.workload,
    one.system,
    `${one.serverCpuMicrosPerDelivery.toFixed(2)} µs a delivery`,
    `p50 ${one.p50Ms.toFixed(1)} ms, p99 ${one.p99Ms.toFixed(1)} ms`,
    `${Math.round(one.deliveriesPerSecond)} deliveries/s`,
    `${one.lost} lost, ${one.repeated} repeated, ${one.outOfOrder} out of order, ${one.undelivered} undelivered, ${one.refused} refused, ${one.closed} closed`,
    `cores: server ${one.serverCpu.toFixed(2)}, others on its core ${one.othersCpu.toFixed(2)}, clients ${one.generatorCpu.toFixed(2)}, publisher ${one.publisherCpu.toFixed(2)}`,
    `${Math.round(one.peakBytes / 2 ** 20)} MiB`,
    `load ${one.loadBefore.toFixed(1)}`,
  ].join(" · ");
}
