import * as lifecycle from "./lifecycle.ts";
import * as objects from "./objects.ts";
import * as pods from "./pods.ts";
import type { Policy } from "./policy.ts";
import * as ports from "./ports.ts";
import * as selectors from "./selectors.ts";

/** All that must hold of the manifests of any configuration. */
export const POLICIES: readonly Policy[] = [selectors, ports, pods, lifecycle, objects].flatMap(
  (group): Policy[] => Object.values(group),
);
