import { ApiObject } from "cdk8s";
import { Construct } from "constructs";
import type { Config } from "../config/schema.ts";
import { type WorkloadName, workloadLabels } from "../lib/labels.ts";
import { etcdHosts } from "./etcd.ts";

/** What is used here of cert-manager's `cert-manager.io/v1` Certificate. */
export interface CertificateSpec {
  readonly secretName: string;
  /** Whom it is for. Managers, nodes and members of etcd know each other by these names. */
  readonly dnsNames: readonly string[];
  readonly usages: readonly string[];
  readonly privateKey: {
    readonly algorithm: "ECDSA";
    readonly size: 256;
    readonly rotationPolicy: "Always";
  };
  readonly issuerRef: { readonly kind: string; readonly name: string; readonly group: string };
}

type Issuer = NonNullable<Config["tls"]["issuer"]>;

/** Has cert-manager keep the Secrets that TLS needs: a certificate for each workload. */
export class Certificates extends Construct {
  constructor(scope: Construct, id: string, config: Config, issuer: Issuer) {
    super(scope, id);
    const { namespace, etcd, tls } = config;
    const add = (workload: WorkloadName, secretName: string, dnsNames: readonly string[]) => {
      const spec: CertificateSpec = {
        secretName,
        dnsNames,
        // Each both serves and calls.
        usages: ["digital signature", "server auth", "client auth"],
        privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
        issuerRef: issuer,
      };
      new ApiObject(this, workload, {
        apiVersion: "cert-manager.io/v1",
        kind: "Certificate",
        metadata: { name: workload, labels: workloadLabels(workload) },
        spec,
      });
    };
    add("push-manager", tls.secrets.pushManager, [
      ...serviceNames("push-manager", namespace),
      ...serviceNames("push-manager-headless", namespace),
    ]);
    // Nodes are called by the addresses of their pods, and known by this name.
    add("connect-node", tls.secrets.connectNode, ["connect-node"]);
    // Not with a wildcard, which etcd would look up by a reverse lookup of its own.
    add("etcd", tls.secrets.etcd, etcdHosts(etcd));
  }
}

/** The names of a Service, from its own namespace, from others, and in full. */
function serviceNames(name: string, namespace: string): string[] {
  return [name, `${name}.${namespace}`, `${name}.${namespace}.svc`].concat(
    `${name}.${namespace}.svc.cluster.local`,
  );
}
