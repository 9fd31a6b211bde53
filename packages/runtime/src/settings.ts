/** What a setting's text was found to be. */
export type Parsed<Value> = { ok: true; value: Value } | { ok: false; problem: string };

/**
 * One setting: how its text is read, and all that a page or a manifest about it needs. Without a
 * default it is optional, and `undefined` when unset.
 */
export interface Setting<Value> {
  /** What it does, and why one would change it. */
  readonly doc: string;
  /** What a valid text is, as a noun: "a whole number of bytes from 1 to 1024". */
  readonly accepts: string;
  readonly default: Value;
  /** Never shown: belongs in a Secret, not in a ConfigMap. */
  readonly secret: boolean;
  /** @param text trimmed and not empty */
  parse(text: string): Parsed<Exclude<Value, undefined>>;
}

/** Settings by the names of their environment variables. */
export type SettingsSchema = Readonly<Record<string, Setting<unknown>>>;

/** The values that a schema describes. */
export type SettingsOf<Schema extends SettingsSchema> = {
  readonly [Name in keyof Schema]: Schema[Name] extends Setting<infer Value> ? Value : never;
};

export interface SettingProblem {
  setting: string;
  problem: string;
}

/** A rule about several settings at once. */
export interface CrossCheck<Settings> {
  /**
   * The settings that it looks at. The first is the one to blame. The rule is skipped if one of
   * them is itself invalid.
   */
  readonly settings: readonly [keyof Settings & string, ...(keyof Settings & string)[]];
  /** What is wrong, or undefined. */
  problem(settings: Settings): string | undefined;
}

export type ReadSettings<Settings> =
  | { ok: true; settings: Settings }
  | { ok: false; errors: SettingProblem[] };

/**
 * Reads all settings of a schema. A text is trimmed, and an empty one counts as unset.
 * @returns the settings, or every problem that there is.
 */
export function readSettings<Schema extends SettingsSchema>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
  crossChecks: readonly CrossCheck<SettingsOf<Schema>>[] = [],
): ReadSettings<SettingsOf<Schema>> {
  const values: Record<string, unknown> = {};
  const errors: SettingProblem[] = [];
  for (const [name, setting] of Object.entries(schema)) {
    const text = env[name]?.trim() ?? "";
    if (text === "") {
      values[name] = setting.default;
      continue;
    }
    const parsed = setting.parse(text);
    if (parsed.ok) values[name] = parsed.value;
    else errors.push({ setting: name, problem: parsed.problem });
  }
  const settings = values as SettingsOf<Schema>;
  for (const check of crossChecks) {
    if (check.settings.some((name) => errors.some((error) => error.setting === name))) continue;
    const problem = check.problem(settings);
    if (problem !== undefined) errors.push({ setting: check.settings[0], problem });
  }
  return errors.length === 0 ? { ok: true, settings } : { ok: false, errors };
}

/** The settings are unusable; {@link errors} has every reason. */
export class InvalidSettings extends Error {
  readonly errors: readonly SettingProblem[];

  constructor(errors: readonly SettingProblem[]) {
    super(`invalid settings: ${errors.map((error) => error.setting).join(", ")}`);
    this.name = "InvalidSettings";
    this.errors = errors;
  }
}

/**
 * {@link readSettings} for a process's main.
 * @throws InvalidSettings
 */
export function requireSettings<Schema extends SettingsSchema>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
  crossChecks: readonly CrossCheck<SettingsOf<Schema>>[] = [],
): SettingsOf<Schema> {
  const read = readSettings(schema, env, crossChecks);
  if (!read.ok) throw new InvalidSettings(read.errors);
  return read.settings;
}
