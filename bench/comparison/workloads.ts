/** What is sent to whom. */
export interface Workload {
  readonly name: string;
  readonly rooms: number;
  /** Clients in each room. */
  readonly members: number;
  /** Pushes a second, to one room after another; undefined for all at once. */
  readonly rate: number | undefined;
  /** In each burst where there is no rate: it comes again while there is time. */
  readonly pushes: number;
  /** In the same way before that, not measured. */
  readonly warmUpPushes: number;
}

/** One column each in the table of all systems. */
export const WORKLOADS: readonly Workload[] = [
  {
    name: "1,000 in a room, 400 msg/s",
    rooms: 1,
    members: 1000,
    rate: 400,
    pushes: 1200,
    warmUpPushes: 300,
  },
  {
    name: "burst of 1,000 to 1,000",
    rooms: 1,
    members: 1000,
    rate: undefined,
    pushes: 1000,
    warmUpPushes: 200,
  },
  {
    name: "5,000 in a room, 50 msg/s",
    rooms: 1,
    members: 5000,
    rate: 50,
    pushes: 150,
    warmUpPushes: 40,
  },
  {
    name: "1,000 in a room, 30 msg/s",
    rooms: 1,
    members: 1000,
    rate: 30,
    pushes: 120,
    warmUpPushes: 75,
  },
  {
    name: "100 rooms × 10, 5,000 msg/s",
    rooms: 100,
    members: 10,
    rate: 5000,
    pushes: 15_000,
    warmUpPushes: 10_000,
  },
];

/** Of one room of 1,000, for the plot of latency. */
const PLOTTED_RATES = [10, 50, 100, 200, 800];
/** For the plot of cost, with the same number of deliveries a second. */
const PLOTTED_MEMBERS = [1, 10, 100, 1000, 5000];
const PLOTTED_DELIVERIES = 20_000;
const PLOTTED_SECONDS = 3;

export const RATE_SERIES: readonly Workload[] = PLOTTED_RATES.map((rate) => ({
  name: `1,000 in a room, ${rate} msg/s (plot)`,
  rooms: 1,
  members: 1000,
  rate,
  pushes: rate * PLOTTED_SECONDS,
  warmUpPushes: Math.min(2 * rate, 200),
}));

export const SIZE_SERIES: readonly Workload[] = PLOTTED_MEMBERS.map((members) => {
  const rate = PLOTTED_DELIVERIES / members;
  return {
    name: `rooms of ${members.toLocaleString("en")}, ${PLOTTED_DELIVERIES.toLocaleString("en")} deliveries/s (plot)`,
    rooms: Math.max(1, 1000 / members),
    members,
    rate,
    pushes: rate * PLOTTED_SECONDS,
    warmUpPushes: rate,
  };
});
