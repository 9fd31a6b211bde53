import { z } from "zod";

/** One option of a configuration, as its schema describes it. */
export interface Option {
  readonly path: readonly string[];
  readonly description: string;
  /** As the schema has it; profiles may say another. */
  readonly default: unknown;
}

type JsonSchema = z.core.JSONSchema._JSONSchema;

/** Every option, in the schema's order. A section that describes itself, such as settings, is one. */
export function optionsOf(schema: z.ZodType): Option[] {
  return optionsBelow(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }), []);
}

function optionsBelow(schema: JsonSchema, path: readonly string[]): Option[] {
  if (typeof schema === "boolean") return [];
  if (schema.properties !== undefined && schema.description === undefined) {
    return Object.entries(schema.properties).flatMap(([key, below]) =>
      optionsBelow(below, [...path, key]),
    );
  }
  return [{ path, description: schema.description ?? "", default: schema.default }];
}
