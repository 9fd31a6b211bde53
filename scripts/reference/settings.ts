import { nodeSettings } from "@pushcast/connect-node";
import { pushManagerSettings } from "@pushcast/push-manager";
import type { Setting, SettingsSchema } from "@pushcast/runtime";
import { cell, table } from "./markdown-table.ts";

/** The settings of both services. */
export function settingsTable(): string {
  const manager: SettingsSchema = pushManagerSettings;
  const node: SettingsSchema = nodeSettings;
  const rows = Object.keys({ ...manager, ...node }).flatMap((name) => {
    const [ofManager, ofNode] = [manager[name], node[name]];
    if (ofManager !== undefined && ofManager === ofNode) return settingRow(name, "both", ofNode);
    return [settingRow(name, "manager", ofManager), settingRow(name, "node", ofNode)].flat();
  });
  return table(["setting", "default", "read by", ""], rows);
}

function settingRow(
  name: string,
  readBy: string,
  setting: Setting<unknown> | undefined,
): string[][] {
  if (setting === undefined) return [];
  const text = `${cell(setting.doc)} Takes ${cell(setting.accepts)}.`;
  return [[`\`${name}\``, shown(setting.default), readBy, text]];
}

function shown(value: unknown): string {
  return value === undefined || value === "" ? "–" : `\`${String(value)}\``;
}
