import { CLOSE_CODES } from "../src/close-codes.ts";
import { ERROR_CODES } from "../src/error-codes.ts";
import { HTTP_ERRORS } from "../src/http-errors.ts";

/** The tables of docs/protocol.md as the code has them. */
export function closeCodeTable(): string {
  return table(
    ["code", "name", "meaning", "decided by", "reconnect"],
    Object.entries(CLOSE_CODES).map(([name, { code, meaning, by, reconnect }]) => [
      String(code),
      `\`${name}\``,
      meaning,
      by,
      reconnect ? "yes" : "**no**",
    ]),
  );
}

export function errorCodeTable(): string {
  return table(
    ["code", "meaning"],
    Object.entries(ERROR_CODES).map(([code, meaning]) => [`\`${code}\``, meaning]),
  );
}

export function httpErrorTable(): string {
  return table(
    ["status", "code", "meaning", "headers"],
    Object.entries(HTTP_ERRORS).map(([code, { status, meaning, headers, retryAfter }]) => [
      String(status),
      `\`${code}\``,
      meaning,
      [
        ...Object.entries(headers ?? {}).map(([name, value]) => `\`${name}: ${value}\``),
        ...(retryAfter ? ["`Retry-After`"] : []),
      ].join(", "),
    ]),
  );
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
