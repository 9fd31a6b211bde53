import {
  HeadWatch,
  lackingInLog,
  misshapenEpochs,
  type Publication,
  type PublicationPlace,
} from "@pushcast/log";
import type { NodeLog } from "../../services/connect-node/src/node-log.ts";
import type { Node } from "./node.ts";

/** Looks at the log of a node from time to time: does it have what its table says? */
export class LogCheck {
  readonly #node: Node;
  readonly #heads = new HeadWatch();

  constructor(node: Node) {
    this.#node = node;
  }

  /** What does not hold, in words. @param kept what every node that was sent it has kept */
  look(kept: readonly PublicationPlace[]): string[] {
    const { log } = this.#node.core;
    return [
      ...this.#heads.look(log.epochs),
      ...misshapenEpochs(log.epochs),
      ...lackingInLog(log.epochs, inLog(log), kept),
    ].map((problem) => `${this.#node.address}: ${problem}`);
  }
}

function* inLog(log: NodeLog): IterableIterator<Publication> {
  for (let offset = log.start; offset < log.end; offset += 1) {
    const entry = log.at(offset);
    if (entry !== undefined) yield entry.publication;
  }
}
