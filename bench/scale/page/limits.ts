import { table } from "../../table.ts";
import { CORE_SHARE, type CostModel, isForFit } from "../cost-model.ts";
import { PEER_READ } from "../quantities.ts";
import { isFaultless, isSaturated, type Run } from "../run.ts";
import { situation, situationOf } from "../situation.ts";
import { SATURATED } from "./errors.ts";
import { count, NOTHING, percentOf, significant, whole } from "./format.ts";

const NODES = [10, 30, 100, 300, 1_000];
const RATES = [10, 100, 1_000];
const CONTENT_BYTES = 512;
const BEYOND = "†";
/** By more than the model is off on average where it was not fitted. */
const CONTRADICTED = 1.2;

/** Where one push to every node stops making sense, in numbers. */
export function limits(model: CostModel, runs: readonly Run[]): string {
  const most = Math.max(...runs.filter(isForFit).map(({ topology }) => topology.nodes));
  return [
    `**Pure broadcast is for fewer than 100 nodes. It is not for more than 1,000.** Each push costs its
manager a message to every node, and every node a publication, whoever is in the room: what is spent on
pushes that a node need not have had grows with rate × nodes. Between the two it depends on the rate,
and the tables below say on which; over 1,000 nodes a directory of rooms, or a tree of managers, is the
better design, and this project does not try to be either.`,
    `### Managers\n\nPushes a second that one manager carries at ${percentOf(CORE_SHARE)} of its core, with ${CONTENT_BYTES} bytes of content; ${BEYOND} is beyond what the
model was fitted to (${count(most, "node")}). The last column is the most that [a run](#how-good-the-model-is) with as many nodes took of a
manager, beside what the model says of it: where it is bold, the model is too kind, and a manager carries so much less.`,
    managerTable(model, runs, most),
    `### Together\n\nCores that all managers and all nodes take with pushes that nobody gets, without any session, what
they take when idle included; and how many managers that is at ${percentOf(CORE_SHARE)} of a core each. One push a message.${contradictedText(model, runs)}`,
    togetherTable(model, most),
    growth(model),
    `### Nodes\n\n${nodeLimit(model, runs)}`,
    `### Nodes read each other\n\n${peerReads(model)}`,
    `### What was tried\n\n${tried(runs)}`,
  ].join("\n\n");
}

function marked(nodes: number, most: number): string {
  return `${whole(nodes)}${nodes > most ? BEYOND : ""}`;
}

/** Pushes that nobody gets, on nodes without sessions. */
function unmatched(nodes: number, managers: number, pushes: number, joined = 1) {
  const groups = pushes / joined;
  const init = { nodes, managers, pushes, groups, contentBytes: CONTENT_BYTES };
  return situation({ ...init, rooms: 0, members: 0 });
}

function managerTable(model: CostModel, runs: readonly Run[], most: number): string {
  const rate = (nodes: number, joined: number) =>
    whole(
      model.largestRate(model.manager, CORE_SHARE, (pushes) => unmatched(nodes, 1, pushes, joined)),
    );
  return table([
    [
      "nodes",
      "each push by a call of its own",
      "10 pushes a message of a PushStream",
      "measured ÷ predicted",
    ],
    ...NODES.map((nodes) => [
      marked(nodes, most),
      rate(nodes, 1),
      rate(nodes, 10),
      excessText(worstExcess(model, runs, nodes)),
    ]),
  ]);
}

/**
 * The most that a run with so many nodes took of a manager, divided by what the model says of it;
 * undefined where nothing was pushed in any.
 */
export function worstExcess(
  model: Pick<CostModel, "manager">,
  runs: readonly Run[],
  nodes: number,
): number | undefined {
  const tried = runs.filter(({ topology, load }) => topology.nodes === nodes && load.rate > 0);
  if (tried.length === 0) return undefined;
  return Math.max(
    ...tried.map((run) => run.managerCores / model.manager.predict(situationOf(run))),
  );
}

function excessText(excess: number | undefined): string {
  if (excess === undefined) return NOTHING;
  const text = `× ${excess.toFixed(1)}`;
  return excess > CONTRADICTED ? `**${text}**` : text;
}

/** Those of which a run contradicts the model. */
function contradictedText(model: CostModel, runs: readonly Run[]): string {
  const nodes = NODES.filter((each) => (worstExcess(model, runs, each) ?? 0) > CONTRADICTED);
  if (nodes.length === 0) return "";
  return ` With ${nodes.map(whole).join(" or ")} nodes it takes more managers than this, as said above.`;
}

function togetherTable(model: CostModel, most: number): string {
  const cell = (nodes: number, pushes: number) => {
    const managers = managersFor(model, nodes, pushes);
    const at = unmatched(nodes, managers, pushes);
    const ofManagers = managers * model.manager.predict(at);
    const ofNodes = nodes * model.node.predict(at);
    return `${significant(ofManagers + ofNodes)} (${count(managers, "manager")})`;
  };
  return table([
    ["nodes", ...RATES.map((rate) => `${whole(rate)} pushes/s`)],
    ...NODES.map((nodes) => [marked(nodes, most), ...RATES.map((rate) => cell(nodes, rate))]),
  ]);
}

function growth(model: CostModel): string {
  const [, rate = Number.NaN] = RATES;
  const cores = [10, 100, 1_000].map((nodes) => {
    const managers = managersFor(model, nodes, rate);
    const at = unmatched(nodes, managers, rate);
    const idle = unmatched(nodes, managers, 0);
    const manager = model.manager.predict(at) - model.manager.predict(idle);
    const node = model.node.predict(at) - model.node.predict(idle);
    const push = managers * manager + nodes * node;
    return `${significant((push * 1e6) / rate)} µs with ${whole(nodes)}`;
  });
  return `At ${whole(rate)} pushes a second, a push that nobody gets costs, beside what idle processes take, ${cores.join(", ")}.
A room of ten has members on ten nodes at most; the rest is the price of having no directory.`;
}

function managersFor(model: CostModel, nodes: number, pushes: number): number {
  return model.managersFor(CORE_SHARE, (managers) => unmatched(nodes, managers, pushes));
}

function nodeLimit(model: CostModel, runs: readonly Run[]): string {
  const onNodes = runs.filter(({ nodeCores }) => nodeCores !== undefined);
  const mostPushes = Math.max(...onNodes.map(({ load }) => load.rate));
  const rate = (joined: number) =>
    whole(model.largestRate(model.node, CORE_SHARE, (pushes) => unmatched(1, 1, pushes, joined)));
  return `A node without a single member takes ${percentOf(CORE_SHARE)} of its core for ${rate(1)} pushes a second with a call each, or
${rate(10)} with 10 a message. However many nodes there are, no node can be spared this: it is the rate
at which more nodes are no help. (Measured up to ${whole(mostPushes)} a second.)`;
}

function peerReads({ node }: CostModel): string {
  const share = (nodes: number) => {
    const read = node.parts(unmatched(nodes, 1, 0)).find(({ of }) => of === PEER_READ);
    return read === undefined ? Number.NaN : read.amount * read.coefficient;
  };
  const shares = NODES.map((nodes) => `${percentOf(share(nodes))} with ${whole(nodes)}`);
  return `Each node asks every other one each \`REATTACH_SECONDS\` (10) for what it lacks, so these calls grow with
the square of the nodes. They take of each node's core ${shares.join(", ")}.`;
}

function tried(runs: readonly Run[]): string {
  const rows = runs
    .filter(({ part }) => part === "limits")
    .map((run) => [
      `${whole(run.topology.nodes)} ${run.topology.nodesAre}${isSaturated(run) ? SATURATED : ""}`,
      whole(run.load.rate),
      percentOf(run.managerCores),
      run.nodeCores === undefined ? NOTHING : percentOf(run.nodeCores),
      run.latencyMs === undefined ? NOTHING : `${significant(run.latencyMs.p50)} ms`,
      run.latencyMs === undefined ? NOTHING : `${significant(run.latencyMs.p99)} ms`,
      isFaultless(run) ? "none" : JSON.stringify(run.faults),
    ]);
  const head = ["nodes", "pushes/s", "the manager", "one node", "p50", "p99", "lost, refused …"];
  return `On this machine, all processes on its cores (${SATURATED}: they, or the manager's, had no time left). How far the
model is off there is in [the table below](#runs-that-were-not-used-for-the-fit).

${table([head, ...rows])}`;
}
