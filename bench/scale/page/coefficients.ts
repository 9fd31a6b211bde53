import { table } from "../../table.ts";
import type { CostModel } from "../cost-model.ts";
import type { Fit } from "../fit.ts";
import { micros, NOTHING, significant } from "./format.ts";

/** The fitted model: a table for each quantity. */
export function coefficients(model: CostModel): string {
  return [
    "What a process costs is a sum: how often something happens a second, times what it costs once. A term\nof 0 could not be told from the others.",
    `**One push-manager**, µs of processor time; it counts its own part of the pushes:\n\n${costs(model.manager)}`,
    `**One connect-node**, µs of processor time; it gets the publications of all managers:\n\n${costs(model.node)}`,
    wakeUps(model),
    `**Bytes** of TCP's payload:\n\n${bytes(model)}`,
  ].join("\n\n");
}

function costs({ quantity, coefficients }: Fit): string {
  return table([
    ["of", "µs"],
    ...quantity.terms.map(({ of }, n) => [
      n === 0 ? "being there, a second" : of,
      significant((coefficients[n] ?? Number.NaN) * 1e6),
    ]),
  ]);
}

function wakeUps({ manager, node }: CostModel): string {
  const formula = ({ awakeSeconds }: Fit) =>
    awakeSeconds === 0 ? "n" : `n ÷ (1 + n × ${micros(awakeSeconds)})`;
  return `**Wake-ups** are why a push costs less the more there are. A process that sleeps between two events
pays for each anew; events that come soon after one another wake it once. Of n events a second, a manager
is woken by \`${formula(manager)}\`, where n are the messages of pushes and the
acknowledgements of all nodes, and a node by \`${formula(node)}\`, where n are
the messages of all managers. A *message of pushes* is a unary call, or a message on a PushStream.`;
}

function bytes({ linkBytes, ackBytes, deliveryBytes }: CostModel): string {
  const all = [
    { name: "to a node", fit: linkBytes },
    { name: "from a node", fit: ackBytes },
    { name: "to a client, JSON", fit: deliveryBytes },
  ];
  const terms = [...new Set(all.flatMap(({ fit }) => fit.quantity.terms.map(({ of }) => of)))];
  const cell = ({ quantity, coefficients }: Fit, wanted: string) => {
    const index = quantity.terms.findIndex(({ of }) => of === wanted);
    return index < 0 ? NOTHING : significant(coefficients[index] ?? Number.NaN, 3);
  };
  return table([
    ["of", ...all.map(({ name }) => name)],
    ...terms.map((of) => [
      of === "being there" ? "being there, a second" : of,
      ...all.map(({ fit }) => cell(fit, of)),
    ]),
  ]);
}
