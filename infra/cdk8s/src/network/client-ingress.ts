import { Construct } from "constructs";
import type { Config } from "../config/schema.ts";
import { k8s } from "../lib/k8s.ts";
import { workloadLabels } from "../lib/labels.ts";
import { PORTS } from "../lib/ports.ts";

const NAME = "connect-node";
/** The gateway answers 404 to any other. */
const PATH = "/ws";

/** Leads WebSocket clients from outside the cluster to the connect-nodes. */
export class ClientIngress extends Construct {
  constructor(scope: Construct, id: string, ingress: Config["ingress"]) {
    super(scope, id);
    const { hosts, className, annotations, tlsSecret } = ingress;
    const http: k8s.HttpIngressRuleValue = {
      paths: [
        {
          path: PATH,
          pathType: "Exact",
          backend: { service: { name: NAME, port: { name: PORTS[NAME].ws.name } } },
        },
      ],
    };
    new k8s.KubeIngress(this, "ingress", {
      metadata: { name: NAME, labels: workloadLabels(NAME), annotations },
      spec: {
        ...(className === undefined ? {} : { ingressClassName: className }),
        ...(tlsSecret === undefined ? {} : { tls: [{ hosts: [...hosts], secretName: tlsSecret }] }),
        // A rule without a host is for any.
        rules: hosts.length === 0 ? [{ http }] : hosts.map((host) => ({ host, http })),
      },
    });
  }
}
