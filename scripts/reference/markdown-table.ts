/** A table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/** A text as it can stand in a cell. */
export function cell(text = ""): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
