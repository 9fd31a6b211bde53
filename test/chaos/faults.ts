import type { Direction } from "../support/fault-proxy.ts";
import { pick } from "../support/random.ts";
import type { ChaosNode } from "./cluster.ts";
import type { Play } from "./scene.ts";

/** No manager and no peer reaches the node, for so many pushes after the links are down. */
export async function cutOff({ cluster, publisher }: Play, node: ChaosNode, pushes: number) {
  await node.proxy.suspend();
  await cluster.unlinked(node);
  await publisher.more(pushes);
  await node.proxy.resume();
  await cluster.linked();
}

/** Nothing gets through to the node, or from it, until its links are torn down and so many pushes more. */
export async function pauseLinks(
  { cluster, publisher }: Play,
  node: ChaosNode,
  direction: Direction,
  pushes: number,
) {
  node.proxy.pause(direction);
  await cluster.unlinked(node);
  await publisher.more(pushes);
  node.proxy.unpause();
  await cluster.linked();
}

/** etcd is gone for so many pushes. */
export async function killEtcd({ cluster: { etcd }, publisher }: Play, pushes: number) {
  await etcd.stop();
  await publisher.more(pushes);
  await etcd.start();
}

/** etcd keeps its connections and answers nobody, for so many pushes. */
export async function freezeEtcd({ cluster: { etcd }, publisher }: Play, pushes: number) {
  etcd.freeze();
  await publisher.more(pushes);
  etcd.thaw();
}

/** The node's process stands still for so many pushes. */
async function freezeNode({ cluster, publisher }: Play, node: ChaosNode, pushes: number) {
  node.process.freeze();
  await publisher.more(pushes);
  node.process.thaw();
  await cluster.linked();
}

/** A fault as it may come by chance. */
export interface Fault {
  readonly name: string;
  /** Faults of different parts may come at once. */
  readonly part: "node" | "managers" | "etcd" | "clients";
  /** Resolves when all is well again. @param pushes how long it lasts, where it has a length */
  readonly happen: (play: Play, random: () => number, pushes: number) => Promise<unknown>;
}

const someNode = ({ cluster }: Play, random: () => number) => pick(cluster.nodes, random);

export const FAULTS: readonly Fault[] = [
  {
    name: "node replaced",
    part: "node",
    happen: (play, random) => play.cluster.replaceNode(someNode(play, random)),
  },
  {
    name: "node killed",
    part: "node",
    happen: (play, random) => play.cluster.killNode(someNode(play, random)),
  },
  {
    name: "node frozen",
    part: "node",
    happen: (play, random, pushes) => freezeNode(play, someNode(play, random), pushes),
  },
  {
    name: "node cut off from managers",
    part: "node",
    happen: (play, random, pushes) => cutOff(play, someNode(play, random), pushes),
  },
  {
    name: "links dead towards a node",
    part: "node",
    happen: (play, random, pushes) => pauseLinks(play, someNode(play, random), "to-target", pushes),
  },
  {
    name: "links dead from a node",
    part: "node",
    happen: (play, random, pushes) => pauseLinks(play, someNode(play, random), "to-client", pushes),
  },
  {
    name: "manager killed",
    part: "managers",
    happen: ({ cluster }, random) => cluster.killManagers([pick(cluster.managers, random)]),
  },
  {
    name: "all managers killed",
    part: "managers",
    happen: ({ cluster }) => cluster.killManagers([...cluster.managers]),
  },
  {
    name: "manager replaced",
    part: "managers",
    happen: ({ cluster }, random) => cluster.replaceManager(pick(cluster.managers, random)),
  },
  {
    name: "etcd killed",
    part: "etcd",
    happen: (play, _, pushes) => killEtcd(play, pushes),
  },
  {
    name: "etcd frozen",
    part: "etcd",
    happen: (play, _, pushes) => freezeEtcd(play, pushes),
  },
  {
    name: "clients cut off",
    part: "clients",
    happen: ({ fleet }, random) => fleet.cut(random()),
  },
];
