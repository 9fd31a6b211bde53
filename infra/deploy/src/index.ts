export {
  type DeletionCostSettings,
  deletionCostSettings,
  LEASE_NAME,
} from "./deletion-cost/settings.ts";
