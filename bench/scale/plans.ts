/** Processes and clients that stay the same while several loads are measured. */
export interface Topology {
  readonly nodes: number;
  /**
   * What stands for the nodes: connect-nodes with clients, or receivers that speak a node's side of
   * Deliver and nothing else, so that many of them leave the manager its core.
   */
  readonly nodesAre: "connect-nodes" | "receivers";
  readonly managers: number;
  readonly rooms: number;
  /** Clients in each room, one session each; neighbours in a room are on different nodes. */
  readonly members: number;
  /** The nodes' `HEARTBEAT_MS`. */
  readonly heartbeatMs: number;
  /** The nodes' `REATTACH_SECONDS`. */
  readonly reattachSeconds: number;
  /** Not measured. */
  readonly warmUp: { readonly rate: number; readonly seconds: number };
}

/** What is pushed, to one room after another. */
export interface Load {
  /** Pushes a second through all managers, each of which has rooms of its own. */
  readonly rate: number;
  readonly contentBytes: number;
  /** How many of the pushes go to rooms that have members; the others go to rooms without any. */
  readonly memberShare: number;
  readonly seconds: number;
}

export interface Plan {
  readonly topology: Topology;
  readonly loads: readonly Load[];
}

/** Longer than any run: what happens so often is measured in runs of its own. */
const NEVER = { heartbeatMs: 600_000, reattachSeconds: 3_600 };
const SECONDS = 3.5;
const CONTENT_BYTES = 128;

const few: Topology = {
  nodes: 1,
  nodesAre: "connect-nodes",
  managers: 1,
  rooms: 10,
  members: 10,
  ...NEVER,
  warmUp: { rate: 800, seconds: 6 },
};
const receivers: Topology = {
  ...few,
  nodesAre: "receivers",
  rooms: 100,
  members: 0,
  warmUp: { rate: 200, seconds: 6 },
};

const IDLE = load(0);

/** The parts of a run, each of at most three minutes on two cores. */
export const PARTS = {
  /** The fit is made from these, as far as it is about nodes. */
  nodes: [
    {
      topology: few,
      loads: [
        IDLE,
        load(50),
        load(400),
        load(1000),
        load(3000, { memberShare: 0 }),
        load(8000, { memberShare: 0 }),
        load(400, { contentBytes: 4096 }),
      ],
    },
    {
      topology: { ...few, nodes: 4, rooms: 40 },
      loads: [
        IDLE,
        load(100),
        load(500),
        load(500, { memberShare: 0.5 }),
        load(2000, { memberShare: 0 }),
        load(200, { contentBytes: 8192 }),
      ],
    },
    {
      topology: { ...few, nodes: 10, rooms: 100, warmUp: { rate: 250, seconds: 6 } },
      loads: [
        IDLE,
        load(30),
        load(100),
        load(300),
        load(300, { memberShare: 0 }),
        load(100, { contentBytes: 8192 }),
      ],
    },
    {
      topology: { ...few, nodes: 4, managers: 2, rooms: 10, members: 100 },
      loads: [IDLE, load(50), load(200), load(2000, { memberShare: 0.05 })],
    },
    {
      topology: { ...few, nodes: 2, rooms: 4, members: 500, heartbeatMs: 4000 },
      loads: [IDLE, load(20)],
    },
    { topology: { ...few, nodes: 6, reattachSeconds: 0.5 }, loads: [IDLE] },
  ],
  /** And from these, as far as it is about managers. */
  managers: [
    { topology: { ...receivers, nodes: 10 }, loads: [load(500), load(4000)] },
    {
      topology: { ...receivers, nodes: 50 },
      loads: [IDLE, load(50), load(200), load(400), load(200, { contentBytes: 4096 })],
    },
    {
      topology: { ...receivers, nodes: 100 },
      loads: [IDLE, load(50), load(200), load(100, { contentBytes: 2048 })],
    },
  ],
  /** The fit has not seen these. */
  check: [
    {
      topology: {
        ...few,
        nodes: 3,
        managers: 3,
        rooms: 30,
        members: 6,
        heartbeatMs: 3000,
        reattachSeconds: 1,
      },
      loads: [load(150, { contentBytes: 512 }), load(900, { memberShare: 0.3 })],
    },
    {
      topology: { ...few, nodes: 7, rooms: 20, members: 50 },
      loads: [load(60), load(250, { memberShare: 0.2, contentBytes: 2048 })],
    },
    {
      topology: { ...few, nodes: 16, rooms: 64, members: 5, warmUp: { rate: 150, seconds: 8 } },
      loads: [load(40), load(120, { memberShare: 0.5 })],
    },
    { topology: { ...few, rooms: 2, members: 300 }, loads: [load(60)] },
    { topology: { ...receivers, nodes: 30 }, loads: [load(600, { contentBytes: 1024 })] },
    { topology: { ...receivers, nodes: 75 }, loads: [load(120, { contentBytes: 512 })] },
  ],
  /** As far as one machine goes; the fit has not seen these either. */
  limits: [
    {
      topology: { ...few, nodes: 100, rooms: 100, members: 2, warmUp: { rate: 20, seconds: 15 } },
      loads: [IDLE, load(5), load(20)],
    },
    {
      topology: { ...receivers, nodes: 300, warmUp: { rate: 50, seconds: 6 } },
      loads: [IDLE, load(20), load(100)],
    },
    {
      topology: { ...receivers, nodes: 1000, warmUp: { rate: 20, seconds: 6 } },
      loads: [IDLE, load(5), load(20)],
    },
  ],
} satisfies Record<string, readonly Plan[]>;

export type Part = keyof typeof PARTS;

function load(rate: number, other: Partial<Load> = {}): Load {
  return { rate, contentBytes: CONTENT_BYTES, memberShare: 1, seconds: SECONDS, ...other };
}
