import type { RegistryEvent } from "./registry.ts";

type Write = (fields: object, message: string) => void;

/** Writes an event to a log: what needs somebody's eye as a warning, the rest as information. */
export function logRegistryEvent(logger: { info: Write; warn: Write }, event: RegistryEvent): void {
  const { type, ...details } = event;
  const fields = "error" in details ? { ...details, error: details.error.message } : details;
  switch (type) {
    case "registered":
    case "resynced":
      logger.info(fields, `registry: ${type}`);
      break;
    default:
      logger.warn(fields, `registry: ${type}`);
  }
}
