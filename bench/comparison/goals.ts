import { WORKLOADS } from "./workloads.ts";

/** What a peer's server CPU a delivery divided by pushcast's has to be at least. */
export interface Goal {
  readonly peer: string;
  readonly system: "pushcast" | "pushcast, 25 ms window";
  readonly workload: string;
  readonly ratio: number;
}

/** For each peer one for each of `WORKLOADS`, in their order; undefined where none is set. */
const RATIOS: Readonly<Record<string, readonly (number | undefined)[]>> = {
  "ws loop": [6, 80, 3, 1.3, 1.1],
  "socket.io": [6, 80, 3, 1.8, 1.2],
  mosquitto: [6, 80, undefined, 1.6, 1.3],
  nchan: [2.3, 40, 2, 1.1, 1],
  "nats-server": [1, 4, 1, 1.8, 1.1],
  "uWebSockets.js": [0.95, 3, 0.95, 0.8, 0.8],
};

const WINDOWED_PEERS = ["nats-server", "uWebSockets.js"];
const WINDOWED_RATIO = 1.4;

const windowed = WINDOWED_PEERS.map((peer): Goal => {
  const [crowd] = WORKLOADS;
  const workload = crowd?.name ?? "";
  return { peer, system: "pushcast, 25 ms window", workload, ratio: WINDOWED_RATIO };
});

export const GOALS: readonly Goal[] = [
  ...Object.entries(RATIOS).flatMap(([peer, ratios]) =>
    WORKLOADS.flatMap(({ name: workload }, n): Goal[] => {
      const ratio = ratios[n];
      return ratio === undefined ? [] : [{ peer, system: "pushcast", workload, ratio }];
    }),
  ),
  ...windowed,
];
