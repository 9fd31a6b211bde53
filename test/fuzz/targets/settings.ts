import { nodeChecks, nodeSettings } from "@pushcast/connect-node";
import { pushManagerChecks, pushManagerSettings } from "@pushcast/push-manager";
import {
  type CrossCheck,
  readSettings,
  type SettingsOf,
  type SettingsSchema,
} from "@pushcast/runtime";
import { type FuzzTarget, must } from "../fuzz-target.ts";
import type { RandomInput } from "../random-input.ts";

const PLAUSIBLE = [
  "0",
  "1",
  "-1",
  "1e9",
  "0x10",
  "99999999999999999999",
  "3.5",
  "127.0.0.1:1",
  "[::1]:50052,a:0",
  "http://127.0.0.1:2379",
  "http://[",
  "none",
  "etcd",
  "10.0.0.0/8, ::1/129",
  "10.0.0.0/33",
  "/nonexistent",
];
const MAX_PROBLEM_CHARACTERS = 1_000;
/** Shorter ones, as "1", stand in problems by themselves. */
const MIN_SECRET_CHARACTERS = 8;

/** The environment of both services. */
export const settings: FuzzTarget = {
  name: "settings",
  share: 0.08,
  batch: 1_000,
  open: async () => ({
    give: (input) => {
      read(input, nodeSettings, nodeChecks);
      read(input, pushManagerSettings, pushManagerChecks);
    },
    check: async () => {},
    close: async () => {},
  }),
};

function read<Schema extends SettingsSchema>(
  input: RandomInput,
  schema: Schema,
  checks: readonly CrossCheck<SettingsOf<Schema>>[],
): void {
  const names = Object.keys(schema);
  const env = Object.fromEntries(
    Array.from({ length: 1 + input.nat(6) }, () => [input.pick(names), value(input)]),
  );
  const result = readSettings(schema, env, checks);
  if (result.ok) {
    const odd = names.filter((name) => Number.isNaN(result.settings[name]));
    must(odd.length === 0, `no number: ${odd}`);
    return;
  }
  must(result.errors.length > 0, "refused without a reason");
  for (const { setting, problem } of result.errors) {
    must(names.includes(setting), `unknown: ${setting}`);
    must(problem.length < MAX_PROBLEM_CHARACTERS, `a long problem of ${setting}`);
    const given = env[setting]?.trim() ?? "";
    const isSecret = schema[setting]?.secret === true && given.length >= MIN_SECRET_CHARACTERS;
    const isShown = isSecret && problem.includes(given);
    must(!isShown, `the secret ${setting} is shown`);
  }
}

function value(input: RandomInput): string {
  if (input.chance(0.6)) return input.pick(PLAUSIBLE);
  return input.chance(0.5)
    ? input.text()
    : input.mutated(Buffer.from(input.pick(PLAUSIBLE))).toString();
}
