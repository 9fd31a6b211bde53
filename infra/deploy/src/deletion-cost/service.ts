import { hostname } from "node:os";
import {
  type Clock,
  createMetrics,
  createOpsServer,
  type Logger,
  type Service,
  systemClock,
} from "@pushcast/runtime";
import { Counter, Gauge } from "prom-client";
import type { KubeApi } from "../kube-api.ts";
import { DeletionCostController } from "./controller.ts";
import { LeaderElection } from "./leader-election.ts";
import { Lease } from "./lease.ts";
import { type DeletionCostSettings, LEASE_NAME } from "./settings.ts";

const STOP_LIMIT_MS = 15_000;

export interface DeletionCostInit {
  readonly settings: DeletionCostSettings;
  readonly api: KubeApi;
  readonly logger: Logger;
  /** @default the system's */
  readonly clock?: Clock;
}

/** Its line when it is up. */
export type DeletionCostReady = {
  readonly service: "deletion-cost";
  readonly node_id: string;
  readonly ports: { readonly ops: number };
};

/** The controller of deletion costs, which works while it is the elected one, and its ops server. */
export function createDeletionCost(init: DeletionCostInit): Service<DeletionCostReady> {
  const { settings, api, logger, clock = systemClock } = init;
  const namespace = settings.POD_NAMESPACE;
  const identity = settings.POD_NAME || hostname();
  const onError = (err: unknown) => {
    errors.inc();
    logger.warn({ err }, "trying again");
  };

  const metrics = createMetrics();
  const registers = [metrics];
  const writes = new Counter({
    name: "deletion_cost_writes_total",
    help: "Deletion costs that were written",
    registers,
  });
  const errors = new Counter({
    name: "deletion_cost_errors_total",
    help: "Requests to pods and to the API server that failed",
    registers,
  });
  new Gauge({
    name: "deletion_cost_leader",
    help: "1 while this is the elected one, else 0",
    registers,
    collect() {
      this.set(election.isLeader ? 1 : 0);
    },
  });

  const controller = new DeletionCostController({
    api,
    clock,
    namespace,
    roundMs: settings.ROUND_SECONDS * 1000,
    onWrite: ({ name, cost: before }, cost) => {
      writes.inc();
      logger.info({ pod: name, before, cost }, "deletion cost written");
    },
    onError,
  });
  const election = new LeaderElection({
    lease: new Lease({ api, clock, namespace, name: LEASE_NAME, identity }),
    clock,
    lead: async (over) => {
      logger.info("elected");
      await controller.run(over);
      logger.info("not the elected one any more");
    },
    onError,
  });
  const ops = createOpsServer({ metrics, checks: {}, onError });

  return {
    stopLimitMs: STOP_LIMIT_MS,
    async start() {
      const port = await ops.listen(settings.OPS_HOST, settings.OPS_PORT);
      election.start();
      return { service: "deletion-cost", node_id: identity, ports: { ops: port } };
    },
    async stop() {
      await election.stop();
      await ops.close();
    },
  };
}
