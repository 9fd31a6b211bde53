import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { z } from "zod";
import { type ConfigProblem, InvalidConfig } from "./invalid-config.ts";
import { PROFILES, type ProfileName } from "./profiles.ts";
import { type Config, configSchema } from "./schema.ts";

export interface ConfigSource {
  /** @default dev */
  readonly profile?: string | undefined;
  /**
   * A file of the user's own that is merged over the profile: JSON, or a module (TypeScript too) whose
   * default export it is.
   * @default none
   */
  readonly file?: string | undefined;
}

/**
 * The configuration of a profile, with the user's file merged over it.
 * @throws InvalidConfig
 */
export async function loadConfig({ profile = "dev", file }: ConfigSource = {}): Promise<Config> {
  const own = file === undefined ? {} : await readConfigFile(file);
  return resolveConfig(profile, own);
}

/**
 * A profile with `own` merged over it: objects are merged, anything else replaces, and null takes away
 * what the profile says.
 * @throws InvalidConfig
 */
export function resolveConfig(profile: string, own: unknown = {}): Config {
  if (!isProfile(profile)) {
    const known = Object.keys(PROFILES).join(" or ");
    throw new InvalidConfig([{ path: "profile", problem: `must be ${known}, not ${profile}` }]);
  }
  if (!isObject(own)) {
    throw new InvalidConfig([{ path: "", problem: "the file must hold one object" }]);
  }
  const parsed = configSchema.safeParse(merge(PROFILES[profile], own));
  if (parsed.success) return parsed.data;
  throw new InvalidConfig(parsed.error.issues.flatMap(problemsOf));
}

function isProfile(name: string): name is ProfileName {
  return Object.hasOwn(PROFILES, name);
}

async function readConfigFile(file: string): Promise<unknown> {
  if (file.endsWith(".json")) {
    const text = await attempt(file, "cannot be read", () => readFile(file, "utf8"));
    return await attempt(file, "is not JSON", () => JSON.parse(text));
  }
  const url = pathToFileURL(file).href;
  const module: object = await attempt(file, "cannot be loaded", () => import(url));
  if ("default" in module) return module.default;
  throw new InvalidConfig([{ path: file, problem: "has no default export" }]);
}

async function attempt<Value>(
  file: string,
  failure: string,
  work: () => Value | Promise<Value>,
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidConfig([{ path: file, problem: `${failure}: ${reason}` }]);
  }
}

type PlainObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is PlainObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function merge(base: PlainObject, over: PlainObject): PlainObject {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete merged[key];
    else if (isObject(value)) {
      const below = merged[key];
      merged[key] = merge(isObject(below) ? below : {}, value);
    } else merged[key] = value;
  }
  return merged;
}

/**
 * An unknown key is named itself, not the object that it stands in, and so is what is wrong within a
 * list or an object that might have been something else.
 */
function problemsOf(issue: z.core.$ZodIssue): ConfigProblem[] {
  const at = (...below: PropertyKey[]) => [...issue.path, ...below].join(".");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: at(key), problem: "is not known" }));
  }
  if (issue.code === "invalid_union") {
    const within = issue.errors.find((issues) => issues.some(({ path }) => path.length > 0));
    const problems = within?.flatMap(problemsOf) ?? [];
    if (problems.length > 0) return problems.map((each) => ({ ...each, path: at(each.path) }));
  }
  return [{ path: at(), problem: issue.message }];
}
