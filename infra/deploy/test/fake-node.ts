import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { READY } from "./controllers.ts";
import type { KubeServer } from "./kube-server.ts";
import { object } from "./system.ts";

/** A connect-node as the deletion-cost controller sees it: a pod, and its metrics. */
export class FakeNode {
  sessions: number;
  readonly name: string;
  readonly #http: Server;

  private constructor(name: string, sessions: number) {
    this.name = name;
    this.sessions = sessions;
    this.#http = createServer((_, response) => {
      response.end(`connect_node_users 1\nconnect_node_sessions ${this.sessions}\n`);
    });
  }

  static async start(name: string, sessions: number): Promise<FakeNode> {
    const node = new FakeNode(name, sessions);
    node.#http.listen(0, "127.0.0.1");
    await once(node.#http, "listening");
    return node;
  }

  /** Puts its pod, with a deletion cost or without. */
  put(
    server: KubeServer,
    { cost, ...metadata }: { cost?: string; deletionTimestamp?: string } = {},
  ) {
    const { port } = this.#http.address() as AddressInfo;
    const pod = object("v1", "Pod", this.name, {
      spec: { containers: [{ ports: [{ name: "ops", containerPort: port }] }] },
      status: { ...READY, podIP: "127.0.0.1" },
    });
    const labels = { ...pod.metadata.labels, "app.kubernetes.io/name": "connect-node" };
    const annotations = cost === undefined ? {} : { [DELETION_COST]: cost };
    server.put({ ...pod, metadata: { ...pod.metadata, ...metadata, labels, annotations } });
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, "close");
  }
}

export const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
