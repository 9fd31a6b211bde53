import { parseArgs } from "node:util";
import { UsageError } from "./cli-error.ts";
import type { Environment } from "./io.ts";
import { nearest } from "./nearest.ts";
import { type Options, type OptionValues, optionName } from "./option.ts";

export interface ReadArguments<Of extends Options> {
  readonly options: OptionValues<Of>;
  /** What is no option: names, content. */
  readonly positionals: readonly string[];
}

/**
 * Takes a command's arguments apart. What is not given comes from the environment, where the option
 * has a variable.
 * @throws UsageError
 */
export function readArguments<Of extends Options>(
  args: readonly string[],
  options: Of,
  env: Environment,
): ReadArguments<Of> {
  const keys = new Map(Object.keys(options).map((key) => [optionName(key), key]));
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([key, { takesValue }]) => [
        optionName(key).slice(2),
        { type: takesValue ? ("string" as const) : ("boolean" as const) },
      ]),
    ),
    // Its own messages know no suggestions.
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const key = keys.get(token.rawName);
    const option = key === undefined ? undefined : options[key];
    if (key === undefined || option === undefined) throw unknownOption(token.rawName, keys.keys());
    const value = readValue(token, option.takesValue);
    given.set(key, [...(given.get(key) ?? []), value]);
  }
  const values = Object.entries(options).map(([key, option]) => {
    const name = optionName(key);
    const texts = given.get(key);
    const fromEnv = option.env === undefined ? undefined : env[option.env];
    if (texts !== undefined) return [key, option.read(texts, name)];
    return fromEnv
      ? [key, option.read([fromEnv], option.env ?? name)]
      : [key, option.read([], name)];
  });
  return { options: Object.fromEntries(values) as OptionValues<Of>, positionals };
}

interface GivenOption {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function readValue({ rawName, value, inlineValue }: GivenOption, takesValue: boolean): string {
  if (!takesValue) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
    return "1";
  }
  if (value === undefined) throw new UsageError(`${rawName} needs a value`);
  // `--room --json` is a room that was forgotten, not one of that name.
  if (!inlineValue && value.startsWith("--")) {
    throw new UsageError(
      `${rawName} needs a value`,
      `If its value begins with --, write ${rawName}=${value}.`,
    );
  }
  return value;
}

function unknownOption(name: string, known: Iterable<string>): UsageError {
  const suggestion = nearest(name, [...known]);
  return new UsageError(
    `unknown option ${name}`,
    suggestion === undefined ? undefined : `Did you mean ${suggestion}?`,
  );
}

/**
 * Names the positionals of a command.
 * @param required names of those that must be there, as the usage calls them
 * @param optional names of those that may follow
 * @throws UsageError
 */
export function takePositionals(
  positionals: readonly string[],
  required: readonly string[],
  optional: readonly string[] = [],
): readonly string[] {
  const missing = required.slice(positionals.length);
  if (missing.length > 0) {
    throw new UsageError(`${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} missing`);
  }
  const extra = positionals[required.length + optional.length];
  if (extra !== undefined) {
    throw new UsageError(
      `there is one argument too many: ${JSON.stringify(extra)}`,
      "If it belongs to the one before it, put quotes around both.",
    );
  }
  return positionals;
}
