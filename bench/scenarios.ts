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

/** What is measured while clients resume together, beside live ones. */
export interface StormPlan extends Plan {
  /** Clients that are cut at once and come back at once. */
  readonly resuming: number;
  /** Processes that they are in. */
  readonly resumingProcesses: number;
  /** Each of them is in `ROOMS_OF_RESUMING` rooms of this many, which the live clients are not in. */
  readonly resumingRooms: number;
  /** Pushes to each of its rooms, and to all, that each of them misses. */
  readonly missed: number;
  /** Pushes a second to the rooms of those who resume, while they do. */
  readonly resumingRate: number;
  /** The node's HANDSHAKE_BURST; undefined for its default. */
  readonly burst: number | undefined;
}

export const ROOMS_OF_RESUMING = 3;

export const RESUME_STORM: StormPlan = {
  ...crowd,
  scenario: "resume storm",
  live: 300,
  seconds: 6,
  resuming: 10_000,
  resumingProcesses: 2,
  resumingRooms: 300,
  missed: 8,
  resumingRate: 20,
  burst: undefined,
};
