import { status } from "@grpc/grpc-js";
import { EXIT_CODES, RPC_ERRORS } from "@pushcast/runtime";
import { table } from "./markdown-table.ts";

/** The errors of the gRPC ports, by status. */
export function rpcErrorsTable(): string {
  const rows = Object.entries(RPC_ERRORS)
    .toSorted(([, a], [, b]) => a.status - b.status)
    .map(([name, { status: code, meaning, ...rest }]) => [
      `\`${name}\``,
      `${status[code]} (${code})`,
      meaning,
      "again" in rest ? "yes" : "no",
    ]);
  return table(["`pushcast-code`", "status", "meaning", "call again"], rows);
}

/** How processes of the services end. */
export function exitCodesTable(): string {
  const rows = Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning]);
  return table(["exit code", "meaning"], rows);
}
