import type { Setting, SettingsSchema } from "@pushcast/runtime";
import { z } from "zod";

/** Values for some of a service's settings. */
export type SettingValues<Name extends string> = Partial<Record<Name, string | number>>;

/**
 * A section that gives a service's settings by their names. Each value is judged by the service's own
 * schema. Secret settings are left out: they belong in a Secret.
 * @param refused those that cannot be given here, and why
 */
export function settingsSection<Schema extends SettingsSchema, Refused extends keyof Schema>(
  schema: Schema,
  refused: Readonly<Record<Refused, string>>,
): z.ZodType<SettingValues<Exclude<keyof Schema, Refused> & string>> {
  const taken = Object.entries(schema)
    .filter(([name, setting]) => !setting.secret && !(name in refused))
    .map(([name, setting]) => [name, settingValue(setting).optional()]);
  const others = Object.entries<string>(refused).map(([name, why]) => [
    name,
    z.never(why).optional(),
  ]);
  return z.strictObject(Object.fromEntries([...taken, ...others])) as unknown as z.ZodType<
    SettingValues<Exclude<keyof Schema, Refused> & string>
  >;
}

/** A value that a service takes for this setting. */
export function settingValue(setting: Setting<unknown>): z.ZodType<string | number> {
  return z
    .union([z.string(), z.number()], "must be a text or a number")
    .superRefine((value, context) => {
      const parsed = setting.parse(String(value).trim());
      if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.problem });
    })
    .describe(setting.doc);
}
