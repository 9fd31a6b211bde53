import type { Styler } from "./style.ts";

export interface Column {
  readonly title: string;
  /** @default "left" */
  readonly align?: "left" | "right";
  /** May be cut, down to a few characters, where the table does not fit. @default false */
  readonly shrinks?: boolean;
}

export interface Table {
  readonly columns: readonly Column[];
  /** Each as long as `columns`. */
  readonly rows: readonly (readonly string[])[];
}

const GAP = "  ";
const MIN_SHRUNK = 8;

/**
 * A table as wide as its cells, or as narrow as the terminal: first columns that may shrink are cut, then
 * each row becomes a block of lines.
 */
export function tableLines({ columns, rows }: Table, maxWidth: number, style: Styler): string[] {
  const full = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => (row[index] ?? "").length)),
  );
  const widths = shrink(columns, full, maxWidth);
  if (widths === undefined) return blocks({ columns, rows }, maxWidth, style);
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        const cut = cell.length > width ? `${cell.slice(0, width - 1)}…` : cell;
        return columns[index]?.align === "right" ? cut.padStart(width) : cut.padEnd(width);
      })
      .join(GAP)
      .trimEnd();
  return [style("bold", line(columns.map(({ title }) => title))), ...rows.map(line)];
}

/** Undefined where not even the narrowest fits. */
function shrink(
  columns: readonly Column[],
  full: readonly number[],
  maxWidth: number,
): readonly number[] | undefined {
  const widths = [...full];
  const gaps = GAP.length * (widths.length - 1);
  let excess = widths.reduce((sum, width) => sum + width, gaps) - maxWidth;
  while (excess > 0) {
    const widest = widths.reduce(
      (best, width, index) =>
        columns[index]?.shrinks && width > (widths[best] ?? MIN_SHRUNK) ? index : best,
      -1,
    );
    if (widest < 0) return undefined;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

function blocks({ columns, rows }: Table, maxWidth: number, style: Styler): string[] {
  const titleWidth = Math.max(0, ...columns.map(({ title }) => title.length));
  return rows.flatMap((row, rowIndex) => [
    ...(rowIndex > 0 ? [""] : []),
    ...columns.map(({ title }, index) => {
      const room = Math.max(1, maxWidth - titleWidth - GAP.length);
      const cell = row[index] ?? "";
      const cut = cell.length > room ? `${cell.slice(0, room - 1)}…` : cell;
      return `${style("bold", title.padEnd(titleWidth))}${GAP}${cut}`.trimEnd();
    }),
  ]);
}
