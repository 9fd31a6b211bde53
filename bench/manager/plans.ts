/** What is measured of a push-manager alone: its nodes only acknowledge. */
export interface ManagerPlan {
  readonly scenario: string;
  /** Receivers that speak the node's side of Deliver; each has a session for every push. */
  readonly nodes: number;
  /** Processes that they are in. */
  readonly receiverProcesses: number;
  /** By which rpc the one publisher pushes. */
  readonly via: "unary" | "stream";
  /** Pushes a second; infinite: as many as the manager takes. */
  readonly rate: number;
  readonly seconds: number;
  /** The same pushes before that, which are not measured. */
  readonly warmUpSeconds: number;
  readonly contentBytes: number;
}

const sparse: ManagerPlan = {
  scenario: "manager, sparse",
  nodes: 10,
  receiverProcesses: 2,
  via: "unary",
  rate: 100,
  seconds: 10,
  warmUpSeconds: 4,
  contentBytes: 200,
};

/** In the order in which they are measured. */
export const MANAGER_PLANS: readonly ManagerPlan[] = [
  sparse,
  { ...sparse, scenario: "manager, unary", rate: 5_000 },
  { ...sparse, scenario: "manager, stream", via: "stream", rate: 5_000 },
  { ...sparse, scenario: "manager, busy stream", via: "stream", rate: 20_000 },
  { ...sparse, scenario: "manager, full stream", via: "stream", rate: Number.POSITIVE_INFINITY },
  { ...sparse, scenario: "manager, 100 nodes", nodes: 100, rate: 200 },
];
