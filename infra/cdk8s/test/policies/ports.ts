import type { IProbe } from "kubernetes-models/v1";
import {
  type Manifest,
  nameOf,
  ofKind,
  selects,
  type Workload,
  workloadsOf,
} from "../support/manifests.ts";
import type { Policy } from "./policy.ts";

const MAX_NAME_LENGTH = 15;

function portsOf({ containers }: Workload) {
  return containers.flatMap(({ ports }) => ports ?? []);
}

/** The workloads that an object's selector selects, without their own. */
function selectedBy(
  manifests: readonly Manifest[],
  selector: Readonly<Record<string, string>> | undefined,
): Workload[] {
  return workloadsOf(manifests).filter(({ labels }) => selects(selector, labels));
}

export const servicePortsExist: Policy = {
  name: "a Service's port leads to a named port of the pods",
  violations: (manifests) =>
    ofKind(manifests, "Service").flatMap((service) =>
      (service.spec?.ports ?? []).flatMap(({ targetPort }) =>
        selectedBy(manifests, service.spec?.selector).some((workload) =>
          portsOf(workload).some(({ name }) => name === targetPort),
        )
          ? []
          : [`${nameOf(service)} leads to port ${targetPort}`],
      ),
    ),
};

export const ingressPortsExist: Policy = {
  name: "an Ingress leads to a named port of a Service",
  violations: (manifests) =>
    ofKind(manifests, "Ingress").flatMap((ingress) =>
      (ingress.spec?.rules ?? [])
        .flatMap(({ http }) => http?.paths ?? [])
        .flatMap(({ backend }) => {
          const target = ofKind(manifests, "Service").find(
            ({ metadata }) => metadata?.name === backend.service?.name,
          );
          const port = backend.service?.port?.name;
          return target?.spec?.ports?.some(({ name }) => name === port)
            ? []
            : [`${nameOf(ingress)} leads to ${backend.service?.name}:${port}`];
        }),
    ),
};

export const policyPortsExist: Policy = {
  name: "a NetworkPolicy lets connections through to ports that its pods have",
  violations: (manifests) =>
    ofKind(manifests, "NetworkPolicy").flatMap((policy) =>
      (policy.spec?.ingress ?? [])
        .flatMap(({ ports }) => ports ?? [])
        .flatMap(({ port }) =>
          selectedBy(manifests, policy.spec?.podSelector?.matchLabels).some((workload) =>
            portsOf(workload).some(({ containerPort }) => containerPort === port),
          )
            ? []
            : [`${nameOf(policy)} lets through to port ${port}`],
        ),
    ),
};

export const probePortsExist: Policy = {
  name: "a probe asks a named port of its container",
  violations: (manifests) =>
    workloadsOf(manifests).flatMap(({ name, containers }) =>
      containers.flatMap(({ startupProbe, livenessProbe, readinessProbe, ports }) =>
        [startupProbe, livenessProbe, readinessProbe]
          .filter((probe): probe is IProbe => probe !== undefined)
          .filter(({ httpGet }) => !ports?.some((port) => port.name === httpGet?.port))
          .map(({ httpGet }) => `${name} asks port ${httpGet?.port}`),
      ),
    ),
};

/** Server-side apply takes it for a part of the port's key. */
export const portsHaveAProtocol: Policy = {
  name: "every port has a protocol, and a name that is short enough",
  violations: (manifests) => {
    const ports = [
      ...workloadsOf(manifests).flatMap((workload) =>
        portsOf(workload).map((port) => ({ of: workload.name, ...port })),
      ),
      ...ofKind(manifests, "Service").flatMap((service) =>
        (service.spec?.ports ?? []).map((port) => ({ of: nameOf(service), ...port })),
      ),
      ...ofKind(manifests, "NetworkPolicy").flatMap((policy) =>
        [...(policy.spec?.ingress ?? []), ...(policy.spec?.egress ?? [])]
          .flatMap((rule) => rule.ports ?? [])
          .map((port) => ({ of: nameOf(policy), name: "none", protocol: port.protocol })),
      ),
    ];
    return ports
      .filter(
        ({ name = "", protocol }) =>
          protocol === undefined || name === "" || name.length > MAX_NAME_LENGTH,
      )
      .map(({ of, name, protocol }) => `${of} has port ${name} of protocol ${protocol}`);
  },
};
