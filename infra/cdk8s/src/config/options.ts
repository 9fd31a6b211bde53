import { z } from "zod";
import { configSchema } from "./schema.ts";

/** One option of the configuration, as its schema describes it. */
export interface ConfigOption {
  readonly path: readonly string[];
  readonly description: string;
  /** Profiles may say another. Undefined where there is none. */
  readonly default: unknown;
}

/** Every option, in the schema's order. A section that is described as a whole is one. */
export function configOptions(): ConfigOption[] {
  return optionsBelow(z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }), []);
}

function optionsBelow(
  schema: z.core.JSONSchema._JSONSchema,
  path: readonly string[],
): ConfigOption[] {
  if (typeof schema === "boolean") return [];
  if (schema.properties !== undefined && schema.description === undefined) {
    return Object.entries(schema.properties).flatMap(([key, below]) =>
      optionsBelow(below, [...path, key]),
    );
  }
  return [{ path, description: schema.description ?? "", default: schema.default }];
}
