import type { Output } from "./output.ts";

const UP = (lines: number) => (lines === 0 ? "\r" : `\u001b[${lines}F`);
const CLEAR_BELOW = "\u001b[J";

/** Lines on a terminal that are replaced by the next ones. */
export class Screen {
  readonly #output: Pick<Output, "rows" | "control">;
  #height = 0;

  constructor(output: Pick<Output, "rows" | "control">) {
    this.#output = output;
  }

  /** Lines that do not fit are left out, and counted: what has scrolled away cannot be replaced. */
  show(lines: readonly string[]): void {
    const room = this.#output.rows - 1;
    const shown =
      lines.length <= room
        ? lines
        : [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} more lines`];
    this.#output.control(`${UP(this.#height)}${CLEAR_BELOW}${shown.join("\n")}\n`);
    this.#height = shown.length;
  }
}
