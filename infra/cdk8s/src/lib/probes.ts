import { k8s } from "./k8s.ts";
import type { Port } from "./ports.ts";

/** The three probes of a container. */
export type Probes = Required<
  Pick<k8s.Container, "startupProbe" | "livenessProbe" | "readinessProbe">
>;

/**
 * Probes of a port with `/livez` and `/readyz`. A start may take a minute until it listens, and as long
 * as it likes until it is ready. A process that is busy is not killed: a minute of silence is needed.
 */
export function probes(port: Port): Probes {
  return {
    startupProbe: { ...get(port, "/livez"), periodSeconds: 2, failureThreshold: 30 },
    livenessProbe: {
      ...get(port, "/livez"),
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    readinessProbe: {
      ...get(port, "/readyz"),
      periodSeconds: 5,
      timeoutSeconds: 5,
      failureThreshold: 2,
    },
  };
}

function get(port: Port, path: string): k8s.Probe {
  return { httpGet: { path, port: k8s.IntOrString.fromString(port.name), scheme: "HTTP" } };
}
