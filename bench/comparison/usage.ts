import { readdirSync, readFileSync } from "node:fs";
import { cpuSecondsOf, peakRssBytesOf, rssBytesOf } from "../../test/support/proc.ts";

/** What some processes and all that they started have taken. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
}

export function usageOf(pids: readonly number[]): Usage {
  const all = pids.flatMap(withDescendants);
  const total = (read: (pid: number) => number) => all.reduce((sum, pid) => sum + read(pid), 0);
  return {
    cpuSeconds: total(cpuSecondsOf),
    rssBytes: total(rssBytesOf),
    peakRssBytes: total(peakRssBytesOf),
  };
}

function withDescendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean),
  );
  return [pid, ...children.map(Number).flatMap(withDescendants)];
}
