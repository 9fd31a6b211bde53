import {
  type CrossCheck,
  readSettings,
  type SettingsOf,
  type SettingsSchema,
} from "@pushcast/runtime";
import { InvalidConfig } from "../config/invalid-config.ts";
import type { k8s } from "./k8s.ts";

/** A text or number to write down, or where the kubelet finds the value. */
export type EnvironmentValue = string | number | k8s.EnvVarSource;

/** Values for settings of a service. A name that the service does not know does not compile. */
export type EnvironmentValues<Schema extends SettingsSchema> = {
  readonly [Name in keyof Schema]?: EnvironmentValue | undefined;
};

export interface Environment<Schema extends SettingsSchema> {
  /** For the container, in the order in which the values were given. */
  readonly variables: readonly k8s.EnvVar[];
  /** What the service will read; a value that only the kubelet knows is unset here. */
  readonly settings: SettingsOf<Schema>;
}

/** What the images say themselves. */
const OF_IMAGES = { NODE_ENV: "production" };

/**
 * The environment of a service's container, checked as the service itself would at its start.
 * @param section of the configuration that it belongs to, for the errors
 * @throws InvalidConfig
 */
export function environment<const Schema extends SettingsSchema>(
  section: string,
  schema: Schema,
  checks: readonly CrossCheck<SettingsOf<Schema>>[],
  values: EnvironmentValues<Schema>,
): Environment<Schema> {
  const variables: k8s.EnvVar[] = [];
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries<EnvironmentValue | undefined>(values)) {
    if (value === undefined) continue;
    if (typeof value === "object") {
      variables.push({ name, valueFrom: value });
      continue;
    }
    texts[name] = String(value);
    variables.push({ name, value: String(value) });
  }
  // Of what only the kubelet knows nobody can say here that it is missing.
  const judged = checks.filter(({ settings: [blamed] }) => typeof values[blamed] !== "object");
  const read = readSettings(schema, { ...OF_IMAGES, ...texts }, judged);
  if (!read.ok) {
    throw new InvalidConfig(
      read.errors.map(({ setting, problem }) => ({
        path: `${section}.settings.${setting}`,
        problem,
      })),
    );
  }
  return { variables, settings: read.settings };
}

/** A field of the pod itself, such as `status.podIP`. */
export function fromField(fieldPath: string): k8s.EnvVarSource {
  return { fieldRef: { fieldPath } };
}

/** A key of a Secret that is made outside of these manifests. */
export function fromSecret(secret: {
  readonly name: string;
  readonly key: string;
}): k8s.EnvVarSource {
  return { secretKeyRef: secret };
}
