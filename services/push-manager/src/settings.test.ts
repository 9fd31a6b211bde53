import { InvalidSettings, requireSettings } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { pushManagerChecks, pushManagerSettings } from "./settings.ts";

const TOKEN = "correct-horse-battery";

function problems(env: Readonly<Record<string, string>>): unknown {
  try {
    requireSettings(pushManagerSettings, { REGISTRY: "memory", ...env }, pushManagerChecks);
    return [];
  } catch (error) {
    if (error instanceof InvalidSettings) return error.errors;
    throw error;
  }
}

test.each([
  {},
  { CONSOLE_TOKEN: TOKEN },
  { CONSOLE: "on", CONSOLE_TOKEN: TOKEN },
  { CONSOLE: "on", OPS_HOST: "127.0.0.1" },
  { CONSOLE: "on", OPS_HOST: "127.1.2.3" },
  { CONSOLE: "on", OPS_HOST: "::1" },
  { CONSOLE: "on", OPS_HOST: "localhost" },
])("a console is guarded by its token, or on loopback: %o", (env) => {
  expect(problems(env)).toEqual([]);
});

test.each(["0.0.0.0", "::", "10.0.0.7", "127.0.0.1.example", "localhost.example"])(
  "a console without a token is refused on %s",
  (OPS_HOST) => {
    expect(problems({ CONSOLE: "on", OPS_HOST })).toEqual([
      {
        setting: "CONSOLE_TOKEN",
        problem: "is required with CONSOLE=on, unless OPS_HOST is a loopback address",
      },
    ]);
  },
);

test.each(["short", "with a space in it", "ümläute-im-token-hier"])(
  "a token that can be guessed, or not be sent, is refused, and not shown: %s",
  (CONSOLE_TOKEN) => {
    expect(problems({ CONSOLE: "on", CONSOLE_TOKEN })).toEqual([
      {
        setting: "CONSOLE_TOKEN",
        problem: "must be at least 16 ASCII characters without spaces",
      },
    ]);
  },
);
