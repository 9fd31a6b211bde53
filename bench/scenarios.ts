/** What is measured. */
export interface Plan {
  readonly scenario: string;
  /** Processes of connect-node. */
  readonly nodes: number;
  /** Clients that read, with one session each, spread evenly over the nodes and the rooms. */
  readonly live: number;
  /** Clients in the same rooms that read nothing, and whose sockets are full before it begins. */
  readonly stalled: number;
  readonly rooms: number;
  /** Pushes a second, to one room after another. */
  readonly rate: number;
  readonly seconds: number;
  /** The same pushes before that, which are not measured. */
  readonly warmUpSeconds: number;
  readonly contentBytes: number;
}

const crowd: Plan = {
  scenario: "crowd",
  nodes: 1,
  live: 500,
  stalled: 0,
  rooms: 10,
  rate: 100,
  seconds: 20,
  warmUpSeconds: 3,
  contentBytes: 200,
};

/** In the order in which they are measured. */
export const SCENARIOS: readonly Plan[] = [
  { ...crowd, scenario: "fan-out", nodes: 10, live: 100 },
  crowd,
  { ...crowd, scenario: "crowd, half stalled", stalled: 500 },
];
