/** `name=value` pairs with commas between them, values percent-encoded, as OpenTelemetry writes them. */
export const OTLP_HEADERS = /^[!#$%&'*+.^_`|~\w-]+=[^,\s]*(\s*,\s*[!#$%&'*+.^_`|~\w-]+=[^,\s]*)*$/;

/** @param text that is empty or matches {@link OTLP_HEADERS} */
export function parseHeaders(text: string): Record<string, string> {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = "", ...value] = pair.trim().split("=");
      return [name, decoded(value.join("="))];
    }),
  );
}

/** What is not percent-encoded is taken as it is. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
