import { writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { INSPECTED, Inspector } from "../../test/soak/inspector.ts";
import type { ServiceProcess } from "../../test/support/processes.ts";
import { type Percentiles, percentiles, sum } from "../measure.ts";
import type { ReceiversReport } from "./messages.ts";
import type { ManagerPlan } from "./plans.ts";
import { withManager } from "./system.ts";

const RSS_EVERY_MS = 200;

export interface ManagerResult {
  readonly plan: ManagerPlan;
  /** Pushes a second as they were. */
  readonly rate: number;
  readonly accepted: number;
  readonly refused: number;
  /** Accepted, with a report that lacks a node. */
  readonly incomplete: number;
  /** Publications that a node did not get, or holes in what it got. */
  readonly losses: number;
  readonly answerMs: Percentiles;
  readonly managerCpuMicrosAPush: number;
  readonly managerCpuMicrosAPushAndNode: number;
  /** Of one core. */
  readonly managerCpu: number;
  readonly pushesAMessage: number;
  readonly rssBytes: { readonly before: number; readonly peak: number };
  /** Shares of one core; one near 1 measures the generator and not the manager. */
  readonly receiversCpu: number;
  readonly publisherCpu: number;
  /** Of the machine over one minute, before and after. */
  readonly load: readonly [number, number];
}

/** @param profileDir where the manager's CPU profile of the measured time goes */
export async function measureManager(
  plan: ManagerPlan,
  profileDir: string | undefined,
): Promise<ManagerResult> {
  const [loadBefore = Number.NaN] = loadavg();
  const settings = profileDir === undefined ? {} : INSPECTED;
  return await withManager(plan, settings, async ({ manager, receivers, publisher }) => {
    const { via, rate, contentBytes, nodes } = plan;
    const pushing = { address: manager.grpcAddress, via, rate, contentBytes, nodes };
    const warmUp = await publisher.ask({ ...pushing, seconds: plan.warmUpSeconds });

    const inspector = profileDir === undefined ? undefined : await Inspector.of(manager.process);
    await inspector?.startProfile();
    const cpuSeconds = () => ({
      manager: manager.process.cpuSeconds,
      receivers: sum(receivers.map((process) => process.cpuSeconds)),
      publisher: publisher.cpuSeconds,
    });
    const rss = new RssWatch(manager.process);
    const before = cpuSeconds();
    const pushed = await publisher.ask({ ...pushing, seconds: plan.seconds });
    const after = cpuSeconds();
    const rssBytes = rss.stop();
    if (inspector !== undefined && profileDir !== undefined) {
      const file = `${plan.scenario.replaceAll(/\W+/g, "-")}.cpuprofile`;
      await writeFile(join(profileDir, file), await inspector.stopProfile());
      inspector.close();
    }
    if (manager.process.unexpectedEnd !== undefined) throw new Error(manager.process.unexpectedEnd);

    const reports = (await Promise.all(
      receivers.map((process) => process.ask({ type: "report" })),
    )) as ReceiversReport[];
    const appended = warmUp.accepted + pushed.accepted;
    const got = reports.flatMap(({ publications }) => publications);
    const cpuMicrosAPush = ((after.manager - before.manager) * 1e6) / pushed.accepted;
    return {
      plan,
      rate: pushed.accepted / pushed.tookSeconds,
      accepted: pushed.accepted,
      refused: pushed.refused,
      incomplete: pushed.incomplete,
      losses:
        sum(got.map((count) => Math.max(0, appended - count))) +
        sum(reports.map(({ holes }) => holes)),
      answerMs: percentiles(pushed.answerMs),
      managerCpuMicrosAPush: cpuMicrosAPush,
      managerCpuMicrosAPushAndNode: cpuMicrosAPush / plan.nodes,
      managerCpu: (after.manager - before.manager) / pushed.tookSeconds,
      pushesAMessage: sum(got) / sum(reports.map(({ messages }) => messages)),
      rssBytes,
      receiversCpu: (after.receivers - before.receivers) / pushed.tookSeconds,
      publisherCpu: (after.publisher - before.publisher) / pushed.tookSeconds,
      load: [loadBefore, loadavg()[0] ?? Number.NaN],
    };
  });
}

/** Whether nothing was lost, refused or reported without a node. */
export function isManagerFaultless({ refused, incomplete, losses }: ManagerResult): boolean {
  return refused + incomplete + losses === 0;
}

/** Samples a process's memory. */
class RssWatch {
  readonly #process: ServiceProcess;
  readonly #before: number;
  #peak: number;
  readonly #timer: NodeJS.Timeout;

  constructor(process: ServiceProcess) {
    this.#process = process;
    this.#before = process.rssBytes;
    this.#peak = this.#before;
    this.#timer = setInterval(() => this.#sample(), RSS_EVERY_MS);
  }

  stop(): { before: number; peak: number } {
    clearInterval(this.#timer);
    this.#sample();
    return { before: this.#before, peak: this.#peak };
  }

  #sample(): void {
    this.#peak = Math.max(this.#peak, this.#process.rssBytes);
  }
}
