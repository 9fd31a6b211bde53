import { createHmac, randomBytes } from "node:crypto";
import type { KubeObject } from "./kube-object.ts";

/** Of variables and keys whose values are nobody's business. */
const SECRET_NAME = /(TOKEN|SECRET|PASSWORD|KEY)$/i;

/** Of this run only, so that a mark tells no more than whether two values are the same. */
const runKey = randomBytes(32);

/** The object with a mark in the place of each secret value; the same one for the same value. */
export function concealSecrets(object: KubeObject): KubeObject {
  const concealed = concealVariables(object) as KubeObject;
  switch (object.kind) {
    case "Secret":
      return {
        ...concealed,
        data: concealValues(object.data, /^/),
        stringData: concealValues(object.stringData, /^/),
      };
    case "ConfigMap":
      return { ...concealed, data: concealValues(object.data, SECRET_NAME) };
    default:
      return concealed;
  }
}

/** In `{ name, value }`, as the environment of a container has them. */
function concealVariables(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(concealVariables);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, concealVariables(field)]);
  const copy = Object.fromEntries(fields) as Record<string, unknown>;
  const isSecret = typeof copy.name === "string" && SECRET_NAME.test(copy.name);
  return isSecret && "value" in copy ? { ...copy, value: mark(copy.value) } : copy;
}

function concealValues(fields: unknown, names: RegExp): unknown {
  if (typeof fields !== "object" || fields === null) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, names.test(name) ? mark(value) : value]),
  );
}

function mark(value: unknown): string {
  const digest = createHmac("sha256", runKey).update(String(value)).digest("hex");
  return `(secret ${digest.slice(0, 6)})`;
}
