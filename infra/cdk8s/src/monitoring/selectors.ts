/**
 * PromQL matchers, to stand between braces, for the series of one namespace: several installations may
 * share a Prometheus.
 */
export interface Selectors {
  readonly manager: string;
  readonly node: string;
  readonly etcd: string;
  /** Both services. */
  readonly services: string;
  /** Both services and etcd. */
  readonly all: string;
}

export function selectorsIn(namespace: string): Selectors {
  const inNamespace = (job: string) => `namespace="${namespace}",${job}`;
  return {
    manager: inNamespace('job="push-manager"'),
    node: inNamespace('job="connect-node"'),
    etcd: inNamespace('job="etcd"'),
    services: inNamespace('job=~"push-manager|connect-node"'),
    all: inNamespace('job=~"push-manager|connect-node|etcd"'),
  };
}
