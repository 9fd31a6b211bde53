import { describe, expect, test } from "vitest";
import { resolveConfig } from "../src/config/load.ts";
import { BREAKS } from "./policies/breaks.ts";
import { POLICIES } from "./policies/policies.ts";
import { CONFIGS } from "./support/configs.ts";
import { manifestsOf } from "./support/manifests.ts";

describe.each(CONFIGS)("in the manifests of %s", (_, config) => {
  const manifests = manifestsOf(config);

  test.each(POLICIES)("$name", (policy) => {
    expect(policy.violations(manifests)).toEqual([]);
  });
});

describe("each policy finds manifests that break it", () => {
  test.each(BREAKS)("$policy.name: $violation", ({ policy, violation, break: breakThem }) => {
    const manifests = manifestsOf(resolveConfig("prod"));
    expect(policy.violations(manifests)).toEqual([]);

    expect(policy.violations(breakThem(manifests))).toContain(violation);
  });

  test("there is a break of every policy", () => {
    const broken = new Set(BREAKS.map(({ policy }) => policy));
    expect(POLICIES.filter((policy) => !broken.has(policy)).map(({ name }) => name)).toEqual([]);
  });
});
