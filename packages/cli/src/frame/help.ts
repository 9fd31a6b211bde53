import type { Command } from "./command.ts";
import { type Option, optionName } from "./option.ts";
import { wrap } from "./wrap.ts";

const WIDTH = 80;
const MARGIN = "  ";
/** Names longer than this have their text on the next line. */
const NAME_WIDTH = 24;

/** What `pushcast --help` prints. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return [
    "Usage: pushcast <command> [options]",
    section("Commands", rows),
    section("Options", [
      ["-h, --help", "Show this, or with a command what it does: pushcast help COMMAND"],
      ["-v, --version", "Show the version"],
    ]),
    "Start with `pushcast dev`: it runs a whole system on this machine.",
  ]
    .join("\n\n")
    .concat("\n");
}

/** What `pushcast help NAME` and `pushcast NAME --help` print. */
export function usage({ name, forms, details, options, examples }: Command): string {
  const groups = new Map<string, Option<unknown>[]>();
  const names = new Map<Option<unknown>, string>();
  for (const [key, option] of Object.entries(options)) {
    names.set(option, optionName(key));
    const group = option.group ?? "Options";
    groups.set(group, [...(groups.get(group) ?? []), option]);
  }
  const sections = [...groups].map(([title, members]) =>
    section(
      title,
      members.map((option) => [
        [names.get(option), option.placeholder].join(" ").trim(),
        option.env === undefined ? option.doc : `${option.doc} [${option.env}]`,
      ]),
    ),
  );
  const lines = examples.map(({ line, doc }) => `${MARGIN}# ${doc}\n${MARGIN}${line}`);
  return [
    forms
      .map((form, index) =>
        `${index === 0 ? "Usage:" : "      "} pushcast ${name} ${form}`.trimEnd(),
      )
      .join("\n"),
    details.trim(),
    ...sections,
    `Examples:\n${lines.join("\n\n")}`,
  ]
    .join("\n\n")
    .concat("\n");
}

function section(title: string, rows: readonly (readonly [name: string, doc: string])[]): string {
  const width = Math.min(NAME_WIDTH, Math.max(...rows.map(([name]) => name.length)));
  const indent = " ".repeat(MARGIN.length + width + 2);
  const lines = rows.map(([name, doc]) => {
    const [first = "", ...rest] = wrap(doc, WIDTH - indent.length);
    const head = `${MARGIN}${name.padEnd(width)}  `;
    const start = name.length > width ? `${MARGIN}${name}\n${indent}${first}` : `${head}${first}`;
    return [start, ...rest.map((line) => indent + line)].join("\n");
  });
  return `${title}:\n${lines.join("\n")}`;
}
