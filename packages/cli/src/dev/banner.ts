import type { DevReady } from "./system.ts";

const GAP = "   ";
const MARGIN = "  ";

/** What a person reads once everything is up. */
export function devBanner(ready: DevReady): readonly string[] {
  const { ports, nodeIds, pageUrl, consoleUrl, etcdEndpoints, linked } = ready;
  const rows = [
    ["", "WebSocket", "gRPC", "ops"],
    ["push-manager", "", ...addresses(ports.manager)],
    ...ports.nodes.map((node, index) => [
      nodeIds[index] ?? "",
      `ws://localhost:${node.ws}/ws`,
      ...addresses(node),
    ]),
  ];
  const registry = etcdEndpoints.length > 0 ? `etcd at ${etcdEndpoints.join(", ")}` : "memory";
  return [
    "Pushcast is up, for development: without authentication, on this machine only.",
    "",
    ...table(rows),
    "",
    ...table([
      ["page", pageUrl],
      ...(consoleUrl === undefined ? [] : [["console", consoleUrl]]),
      ["try", `curl -d 'Hello' '${pageUrl}push?room=lobby'`],
      ["nodes in", registry],
    ]),
    "",
    ...(linked ? [] : ["The push-manager has not found all nodes yet; pushes may miss some.", ""]),
    "Ctrl-C stops it.",
  ];
}

/** The same for a program. */
export function devReadyJson(ready: DevReady): object {
  const { ports, nodeIds, pageUrl, consoleUrl, etcdEndpoints, linked } = ready;
  return {
    page_url: pageUrl,
    ...(consoleUrl === undefined ? {} : { console_url: consoleUrl }),
    manager: { grpc_port: ports.manager.grpc, ops_port: ports.manager.ops },
    nodes: ports.nodes.map(({ ws, grpc, ops }, index) => ({
      node_id: nodeIds[index],
      ws_url: `ws://localhost:${ws}/ws`,
      grpc_port: grpc,
      ops_port: ops,
    })),
    etcd_endpoints: etcdEndpoints,
    linked,
  };
}

function addresses({ grpc, ops }: { grpc: number; ops: number }): [string, string] {
  return [`localhost:${grpc}`, `http://localhost:${ops}/metrics`];
}

/** Rows of equal length, each column as wide as its longest cell. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    (MARGIN + row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(GAP)).trimEnd(),
  );
}
