import type { Styler } from "./style.ts";
import { fitted, padded, textWidth } from "./text-width.ts";

export interface Column {
  readonly title: string;
  /** @default "left" */
  readonly align?: "left" | "right";
  /** May be cut, down to a few characters, where the table does not fit. @default false */
  readonly shrinks?: boolean;
  /** Left out where the table does not fit: those with the highest number first. @default never */
  readonly dropOrder?: number;
}

export interface Table {
  readonly columns: readonly Column[];
  /** Each as long as `columns`. */
  readonly rows: readonly (readonly string[])[];
}

const GAP = "  ";
const MIN_SHRUNK = 8;

/**
 * A table as wide as its cells, or as narrow as the terminal: columns that may shrink are cut, then those
 * that may drop are left out, and last each row becomes a block of lines.
 */
export function tableLines(table: Table, maxWidth: number, style: Styler): string[] {
  const { columns, rows } = table;
  const full = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => textWidth(row[index] ?? ""))),
  );
  const widths = shrink(columns, full, maxWidth);
  if (widths === undefined) {
    const narrower = withoutOneColumn(table);
    return narrower === undefined
      ? blocks(table, maxWidth, style)
      : tableLines(narrower, maxWidth, style);
  }
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return padded(fitted(cell, width), width, columns[index]?.align);
      })
      .join(GAP)
      .trimEnd();
  return [style("bold", line(columns.map(({ title }) => title))), ...rows.map(line)];
}

/** Undefined where all must stay. */
function withoutOneColumn({ columns, rows }: Table): Table | undefined {
  const order = Math.max(0, ...columns.map(({ dropOrder = 0 }) => dropOrder));
  if (order === 0) return undefined;
  const dropped = columns.findIndex(({ dropOrder }) => dropOrder === order);
  const isKept = (_: unknown, index: number) => index !== dropped;
  return { columns: columns.filter(isKept), rows: rows.map((row) => row.filter(isKept)) };
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
      const shown = fitted(row[index] ?? "", room);
      return `${style("bold", title.padEnd(titleWidth))}${GAP}${shown}`.trimEnd();
    }),
  ]);
}
