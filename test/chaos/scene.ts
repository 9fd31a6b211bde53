import { randomUUID } from "node:crypto";
import { ChaosCluster, type ClusterPlan } from "./cluster.ts";
import { Fleet } from "./fleet.ts";
import type { FleetReport, PlannedClient } from "./fleet-types.ts";
import { ChaosPublisher } from "./publisher.ts";

export interface CrowdPlan {
  /** Each in one room, and all rooms with as many clients. */
  readonly clients: number;
  readonly rooms: number;
  readonly pushesPerSecond: number;
  /** One of so many pushes is a broadcast. */
  readonly everyBroadcast: number;
  /** Of the clients' choices and delays. */
  readonly seed: number;
}

export interface Outcome {
  readonly pushes: number;
  /** Attempts at a push that was attempted before. */
  readonly retries: number;
  readonly report: FleetReport;
}

/** Pushes to a crowd that go on. */
export interface Play {
  readonly cluster: ChaosCluster;
  readonly fleet: Fleet;
  readonly publisher: ChaosPublisher;
}

/** The counts where every client has everything, once and in order, and was told of no gap. */
export const ALL_DELIVERED = {
  lost: 0,
  missed: 0,
  repeated: 0,
  outOfOrder: 0,
  misdirected: 0,
  gaps: 0,
  notRecovered: 0,
};

/** A cluster, and a fleet of clients that lives as long. */
export class Scene {
  readonly cluster: ChaosCluster;
  readonly fleet: Fleet;

  static async start(plan: ClusterPlan): Promise<Scene> {
    const fleet = new Fleet();
    try {
      return new Scene(await ChaosCluster.start(plan), fleet);
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  private constructor(cluster: ChaosCluster, fleet: Fleet) {
    this.cluster = cluster;
    this.fleet = fleet;
  }

  /** Opens a crowd of clients, and pushes to them from then on. The play before is over. */
  async begin(plan: CrowdPlan): Promise<Play> {
    const { cluster } = this;
    const { clients, rooms } = crowd(plan);
    await this.fleet.open(clients, cluster.urls, plan.seed);
    await cluster.aged();
    const publisher = new ChaosPublisher(
      randomUUID(),
      () => cluster.managers.map(({ pushes }) => pushes),
      {
        perSecond: plan.pushesPerSecond,
        rooms,
        users: clients.map(({ userId }) => userId),
        everyBroadcast: plan.everyBroadcast,
        retryWithinMs: (cluster.logSeconds * 1000) / 2,
      },
    );
    cluster.watcher = {
      urlsChanged: (urls) => this.fleet.setUrls(urls),
      managerEnded: (epoch) => publisher.managerEnded(epoch),
    };
    return { cluster, fleet: this.fleet, publisher };
  }

  /**
   * Pushes to a crowd while something happens to the cluster, and gives what the clients were told
   * once everything has had the time to arrive.
   */
  async play(plan: CrowdPlan, happening: (play: Play) => Promise<void>): Promise<Outcome> {
    const play = await this.begin(plan);
    try {
      await happening(play);
      return await outcome(play);
    } finally {
      play.publisher.abandon();
    }
  }

  async close(): Promise<void> {
    await this.fleet.close();
    await this.cluster.close();
  }
}

/** Pauses the pushes, and waits until everything has had the time to arrive. */
export async function outcome({ fleet, publisher }: Play): Promise<Outcome> {
  const pushes = await publisher.pause();
  const report = await fleet.settled(pushes);
  return { pushes: pushes.length, retries: publisher.retries, report };
}

function crowd(plan: CrowdPlan): { clients: PlannedClient[]; rooms: string[] } {
  // Others than those of a crowd before: nothing that is late can be taken for something of now.
  const name = randomUUID().slice(0, 8);
  const rooms = Array.from({ length: plan.rooms }, (_, n) => `room-${name}-${n}`);
  const clients = Array.from({ length: plan.clients }, (_, n) => ({
    userId: `user-${name}-${n}`,
    rooms: [rooms[n % plan.rooms] ?? ""],
  }));
  return { clients, rooms };
}
