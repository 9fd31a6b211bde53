import { table } from "../../table.ts";
import type { CostModel } from "../cost-model.ts";
import { situation } from "../situation.ts";
import { significant, whole } from "./format.ts";

const SECONDS_A_MONTH = 30 * 24 * 3600;
const RATES = [10, 100, 1_000, 10_000];
const NODES = [3, 10, 30, 100];
const CONTENT_BYTES = 512;
const ZONES = 3;
/** Ethernet, IPv4 and TCP with timestamps. */
const HEADER_BYTES = 14 + 20 + 32;

export function gbAMonth(bytesPerSecond: number): number {
  return (bytesPerSecond * SECONDS_A_MONTH) / 1e9;
}

/** What the links carry, and what of it crosses zones. */
export function network(model: CostModel): string {
  const links = (pushes: number, nodes: number) => {
    const at = situation({
      nodes,
      managers: 1,
      pushes,
      contentBytes: CONTENT_BYTES,
      rooms: 0,
      members: 0,
    });
    return nodes * (model.linkBytes.predict(at) + model.ackBytes.predict(at));
  };
  const delivery = model.deliveryBytes.predict(
    situation({
      nodes: 1,
      managers: 1,
      pushes: 1,
      contentBytes: CONTENT_BYTES,
      rooms: 1,
      members: 1,
    }),
  );
  const crossing = (ZONES - 1) / ZONES;
  return [
    `Every push goes to every node, so the links carry rate × nodes × (content + overhead), whoever is in
the room. GB a month (30 days) on all links together, both ways, with ${CONTENT_BYTES} bytes of content, each push
a message of its own, and no members:`,
    table([
      ["pushes/s", ...NODES.map((nodes) => `${nodes} nodes`)],
      ...RATES.map((rate) => [
        whole(rate),
        ...NODES.map((nodes) => significant(gbAMonth(links(rate, nodes)), 3)),
      ]),
    ]),
    `**Across zones**: a manager knows no zones. With nodes spread evenly over ${ZONES}, ${ZONES - 1}/${ZONES} of this crosses from one
to another, whatever zone a push's readers are in: at ${whole(RATES[2] ?? 0)} pushes a second and ${NODES[1]} nodes
${significant(gbAMonth(links(RATES[2] ?? 0, NODES[1] ?? 0)) * crossing, 3)} GB a month. Multiply by what a GB between zones costs you, and mind that some
bill it in both directions.`,
    `A push of ${CONTENT_BYTES} bytes that one client gets is ${whole(delivery)} bytes to it: ${significant(gbAMonth(delivery), 3)} GB a month for each delivery a second.`,
    `Headers are not in any of this: on Ethernet ${HEADER_BYTES} bytes a packet, at least one packet a message each way.`,
  ].join("\n\n");
}
