import { VERSION } from "@pushcast/runtime";
import { type Action, type Command, UsageError } from "./command.ts";
import { devCommand } from "./dev-command.ts";

const COMMANDS: readonly Command[] = [devCommand];

const NAME_WIDTH = Math.max(...COMMANDS.map(({ name }) => name.length)) + 3;

const USAGE = `Usage: pushcast <command> [options]

Commands:
${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(NAME_WIDTH)}${summary}`).join("\n")}

Options:
  -h, --help      Show this, or with a command what it does
  -v, --version   Show the version
`;

/**
 * What the arguments after `pushcast` ask for.
 * @throws UsageError
 */
export function readCommandLine([first, ...rest]: readonly string[]): Action {
  switch (first) {
    case undefined:
      throw new UsageError(`a command is missing\n\n${USAGE.trimEnd()}`);
    case "-h":
    case "--help":
      return { kind: "print", text: USAGE };
    case "-v":
    case "--version":
      return { kind: "print", text: `${VERSION}\n` };
  }
  const command = COMMANDS.find(({ name }) => name === first);
  if (command === undefined) {
    const what = first.startsWith("-") ? "option" : "command";
    throw new UsageError(`unknown ${what} ${JSON.stringify(first)}; see pushcast --help`);
  }
  if (rest.includes("-h") || rest.includes("--help")) return { kind: "print", text: command.usage };
  return command.prepare(rest);
}
