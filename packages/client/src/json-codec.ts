/** The fields of a frame by their names in the protocol, `type` among them. */
export type WireFields = Readonly<Record<string, unknown>>;

/**
 * The fields of a frame of `pushcast.v1.json`.
 * @throws {Error} if it is not an object with a type
 */
export function decodeJson(text: string): WireFields {
  const value: unknown = JSON.parse(text);
  if (isObject(value) && typeof value.type === "string") return value;
  throw new TypeError("not a frame");
}

export function isObject(value: unknown): value is WireFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
