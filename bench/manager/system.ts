import { Child } from "../../test/support/child.ts";
import { ManagerClient } from "../../test/support/manager-client.ts";
import { type RunningManager, type Settings, startManager } from "../../test/support/processes.ts";
import type {
  PushingReport,
  PushingRequest,
  ReceiversReply,
  ReceiversRequest,
} from "./messages.ts";
import type { ManagerPlan } from "./plans.ts";

/** The processes of one scenario: a push-manager, its nodes, and a publisher. */
export interface ManagerSystem {
  readonly manager: RunningManager;
  readonly receivers: readonly Child<ReceiversRequest, ReceiversReply>[];
  readonly publisher: Child<PushingRequest, PushingReport>;
}

/** Starts what a plan needs, with a live link to every node, and ends it after its use. */
export async function withManager<Result>(
  plan: ManagerPlan,
  settings: Settings,
  use: (system: ManagerSystem) => Promise<Result>,
): Promise<Result> {
  const cleanups: (() => Promise<void>)[] = [];
  const child = <Request, Reply>(file: URL) => {
    const made = new Child<Request, Reply>(file);
    cleanups.push(() => made.close());
    return made;
  };
  try {
    const receivers = Array.from({ length: plan.receiverProcesses }, () =>
      child<ReceiversRequest, ReceiversReply>(new URL("./receivers.ts", import.meta.url)),
    );
    const nodeIds = Array.from({ length: plan.nodes }, (_, n) => `node-${n}`);
    const addresses = await Promise.all(
      receivers.map(async (process, index) => {
        const own = nodeIds.filter((_, n) => n % receivers.length === index);
        return (await process.ask({ type: "open", nodeIds: own })) as readonly string[];
      }),
    );
    const manager = await startManager({
      REGISTRY: "static",
      NODES: addresses.flat().join(),
      // As in production, not as in tests.
      ACK_TIMEOUT_MS: undefined,
      ...settings,
    });
    cleanups.push(() => manager.process.close());
    const linking = new ManagerClient(manager.grpcAddress);
    cleanups.push(async () => linking.close());
    await linking.untilLinked(nodeIds);
    const publisher = child<PushingRequest, PushingReport>(
      new URL("./publisher.ts", import.meta.url),
    );
    return await use({ manager, receivers, publisher });
  } finally {
    await Promise.all(cleanups.map((cleanup) => cleanup()));
  }
}
