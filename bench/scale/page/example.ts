import { table } from "../../table.ts";
import { CORE_SHARE, type CostModel } from "../cost-model.ts";
import type { Fit } from "../fit.ts";
import { situation } from "../situation.ts";
import { count, micros, percentOf, significant, whole } from "./format.ts";
import { gbAMonth } from "./network.ts";

const EXAMPLE = {
  nodes: 20,
  managers: 2,
  pushes: 2_000,
  contentBytes: 512,
  rooms: 5_000,
  members: 10,
};

/** How to compute what somebody needs, once through. */
export function example(model: CostModel): string {
  const { nodes, managers, pushes, contentBytes, rooms, members } = EXAMPLE;
  const at = situation(EXAMPLE);
  const manager = model.manager.predict(at);
  const node = model.node.predict(at);
  const enough = model.managersFor(CORE_SHARE, (some) => situation({ ...EXAMPLE, managers: some }));
  const months = (bytes: number) => `${significant(gbAMonth(bytes), 3)} GB`;
  const link = model.linkBytes.predict(at);
  const clients = at.deliveries * model.deliveryBytes.predict(at);
  return [
    `${whole(nodes)} nodes, ${whole(managers)} managers, ${whole(rooms * members)} sessions in ${whole(rooms)} rooms of ${whole(members)}, ${whole(pushes)} pushes a second of ${whole(contentBytes)} bytes, each
by a call of its own, with the default settings. A manager gets ${whole(pushes / managers)} of them. A node gets all ${whole(pushes)}, has ${whole((rooms * members) / nodes)}
sessions, and of a room ${significant(members / nodes)} members, so that ${percentOf(at.matched / pushes)} of the pushes have one there.`,
    `One manager: **${percentOf(manager)} of a core**. To stay below ${percentOf(CORE_SHARE)} it takes ${count(enough, "manager")}.\n\n${sum(model.manager, at)}`,
    `One node: **${percentOf(node)} of a core**.\n\n${sum(model.node, at)}`,
    `Together ${significant(manager * managers + node * nodes)} cores. To one node go ${significant(link / 1000, 3)} kB a second, to all ${months(link * nodes)} a month; to the clients
${months(clients * nodes)} a month. \`FLUSH_WINDOW_MS\`, messages that many members get at once and larger pushes on a
PushStream make it less; the figures are for the case in which nothing is joined.`,
  ].join("\n\n");
}

function sum(fit: Fit, at: ReturnType<typeof situation>): string {
  return table([
    ["of", "a second", "times", "share of a core"],
    ...fit
      .parts(at)
      .filter(({ coefficient }) => coefficient > 0)
      .map(({ of, amount, coefficient }) => [
        of,
        whole(amount),
        micros(coefficient),
        percentOf(amount * coefficient),
      ]),
  ]);
}
