import { commands, EXIT_CODES, EXIT_MEANINGS, optionName, usage } from "@pushcast/cli";
import { cell, table } from "./markdown-table.ts";

/** What each command prints as its help. */
export function commandsReference(): string {
  return commands
    .map((command) => `### pushcast ${command.name}\n\n\`\`\`text\n${usage(command)}\`\`\``)
    .join("\n\n");
}

/** How commands end. */
export function commandExitCodesTable(): string {
  const rows = Object.entries(EXIT_CODES).map(([name, code]) => [
    String(code),
    EXIT_MEANINGS[name as keyof typeof EXIT_CODES],
  ]);
  return table(["exit code", ""], rows);
}

/** The variables that stand for options, and for which. */
export function environmentTable(): string {
  const options = commands.flatMap((command) => Object.entries(command.options));
  const rows = new Map<string, string[]>();
  for (const [key, { env, doc }] of options) {
    // As the first of the commands has it.
    if (env === undefined || rows.has(env)) continue;
    rows.set(env, [`\`${env}\``, `\`${optionName(key)}\``, cell(doc)]);
  }
  return table(["variable", "option", ""], [...rows.values()]);
}
