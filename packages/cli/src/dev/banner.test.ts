import { expect, test } from "vitest";
import { devBanner, devReadyJson } from "./banner.ts";
import { DEV_PORTS } from "./ports.ts";

const READY = {
  ports: DEV_PORTS,
  nodeIds: ["node-1", "node-2"],
  pageUrl: "http://localhost:8080/",
  consoleUrl: "http://localhost:9100/console",
  etcdEndpoints: [],
  linked: true,
};

test("names every address, the page, and a line to try", () => {
  expect(devBanner(READY).join("\n")).toBe(
    `Pushcast is up, for development: without authentication, on this machine only.

                 WebSocket                gRPC              ops
  push-manager                            localhost:50051   http://localhost:9100/metrics
  node-1         ws://localhost:8080/ws   localhost:50052   http://localhost:9101/metrics
  node-2         ws://localhost:8081/ws   localhost:50053   http://localhost:9102/metrics

  page       http://localhost:8080/
  console    http://localhost:9100/console
  try        curl -d 'Hello' 'http://localhost:8080/push?room=lobby'
  nodes in   memory

Ctrl-C stops it.`,
  );
});

test("says where nodes are found, and if they are not yet", () => {
  const banner = devBanner({
    ...READY,
    etcdEndpoints: ["http://127.0.0.1:2379", "http://127.0.0.1:2479"],
    linked: false,
  }).join("\n");
  expect(banner).toContain("nodes in   etcd at http://127.0.0.1:2379, http://127.0.0.1:2479\n");
  expect(banner).toContain("has not found all nodes yet");
});

test("says the same to a program", () => {
  expect(devReadyJson(READY)).toEqual({
    page_url: "http://localhost:8080/",
    console_url: "http://localhost:9100/console",
    manager: { grpc_port: 50051, ops_port: 9100 },
    nodes: [
      { node_id: "node-1", ws_url: "ws://localhost:8080/ws", grpc_port: 50052, ops_port: 9101 },
      { node_id: "node-2", ws_url: "ws://localhost:8081/ws", grpc_port: 50053, ops_port: 9102 },
    ],
    etcd_endpoints: [],
    linked: true,
  });
});
