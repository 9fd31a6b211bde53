import { idle } from "./idle.ts";
import { MANAGER_SCENARIOS } from "./manager.ts";
import { manyNodes } from "./many-nodes.ts";
import { oneCore } from "./one-core.ts";
import type { Scenario } from "./scenario.ts";

/** In the order in which they are measured and told. */
export const GOAL_SCENARIOS: readonly Scenario[] = [oneCore, manyNodes, ...MANAGER_SCENARIOS, idle];
