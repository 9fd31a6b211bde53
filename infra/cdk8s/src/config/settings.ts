import type { Setting, SettingsSchema } from "@pushcast/runtime";
import { z } from "zod";

/** Values for some of a service's settings. */
export type SettingValues<Name extends string> = Partial<Record<Name, string | number>>;

/**
 * A section that gives a service's settings by their names. Each value is judged by the service's own
 * schema. Secret settings are left out: they belong in a Secret.
 * @param owned those that the manifests themselves give
 */
export function settingsSection<Schema extends SettingsSchema, Owned extends keyof Schema>(
  schema: Schema,
  owned: readonly Owned[],
): z.ZodType<SettingValues<Exclude<keyof Schema, Owned> & string>> {
  const fields = Object.entries(schema)
    .filter(([name, setting]) => !setting.secret && !owned.some((own) => own === name))
    .map(([name, setting]) => [name, settingValue(setting).optional()]);
  return z.strictObject(Object.fromEntries(fields)) as unknown as z.ZodType<
    SettingValues<Exclude<keyof Schema, Owned> & string>
  >;
}

function settingValue(setting: Setting<unknown>): z.ZodType<string | number> {
  return z
    .union([z.string(), z.number()])
    .superRefine((value, context) => {
      const parsed = setting.parse(String(value).trim());
      if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.problem });
    })
    .describe(setting.doc);
}
