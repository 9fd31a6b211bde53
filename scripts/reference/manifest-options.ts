import { configOptions, PROFILES } from "@pushcast/cdk8s";
import { cell, table } from "./markdown-table.ts";

/** The options of the manifests, with what each profile says of them instead of the default. */
export function optionsTable(): string {
  const profiles = Object.entries(PROFILES);
  const rows = configOptions().map((option) => {
    const path = option.path.join(".");
    const ofProfiles = profiles.map(([, profile]) => {
      const said = option.path.reduce<unknown>(
        (value, key) => (value as Record<string, unknown> | undefined)?.[key],
        profile,
      );
      return said === undefined ? "" : json(said);
    });
    return [`\`${path}\``, json(option.default), ...ofProfiles, cell(option.description)];
  });
  return table(["option", "default", ...profiles.map(([name]) => `in ${name}`), ""], rows);
}

function json(value: unknown): string {
  return value === undefined ? "–" : `\`${cell(JSON.stringify(value))}\``;
}
