import {
  type SettingsOf,
  type SettingsSchema,
  seconds,
  sharedSettings,
  text,
} from "@pushcast/runtime";

const { OPS_HOST, OPS_PORT, LOG_LEVEL } = sharedSettings;

/** The Lease that elects one of several controllers in a namespace. */
export const LEASE_NAME = "pushcast-deletion-cost";

/** The settings of the deletion-cost controller. */
export const deletionCostSettings = {
  POD_NAMESPACE: text({ default: "pushcast", doc: "The namespace of the connect-nodes." }),
  POD_NAME: text({
    default: "",
    doc: "Who it is in the election; else the host's name. No other one may have the same.",
  }),
  ROUND_SECONDS: seconds({
    min: 5,
    max: 3600,
    default: 30,
    doc: "How often all pods are looked at.",
  }),
  OPS_HOST,
  OPS_PORT,
  LOG_LEVEL,
} satisfies SettingsSchema;

export type DeletionCostSettings = SettingsOf<typeof deletionCostSettings>;
