import { PushError } from "./push-error.ts";

/** @throws PushError where one of them is given and is no number: its sums would never be reached */
export function checkNumbers(options: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (typeof value === "number" && !Number.isNaN(value))) continue;
    throw new PushError("INVALID_ARGUMENT", "OPTIONS_INVALID", `${name} must be a number`);
  }
}
