import { describe, expect, test } from "vitest";
import { resolveConfig } from "../src/config/load.ts";
import type { ConfigInput } from "../src/config/schema.ts";
import { manifestsOf, ofKind, workloadsOf } from "./support/manifests.ts";

const ISSUER = { name: "pushcast-ca" };

function withTls(tls: ConfigInput["tls"] = {}) {
  return manifestsOf(resolveConfig("prod", { tls: { enabled: true, ...tls } }));
}

function workload(manifests: ReturnType<typeof withTls>, name: string) {
  const found = workloadsOf(manifests).find(({ manifest }) => manifest.metadata?.name === name);
  const container = found?.containers[0];
  if (found === undefined || container === undefined) throw new Error(`no ${name}`);
  return { ...found, container };
}

describe("with TLS", () => {
  test.each([
    ["push-manager", "push-manager-tls"],
    ["connect-node", "connect-node-tls"],
  ])("a %s has its certificate, its key and the CA from its Secret", (name, secretName) => {
    const { spec, container } = workload(withTls(), name);
    const projected = spec.volumes?.find(({ name }) => name === "secrets")?.projected;
    const secretOf = (setting: string) => {
      const path = container.env?.find(({ name }) => name === setting)?.value ?? "";
      const source = projected?.sources?.find(({ secret }) =>
        secret?.items?.some((item) => `/etc/pushcast/${item.path}` === path),
      );
      return [source?.secret?.name, source?.secret?.items?.[0]?.key];
    };
    for (const prefix of ["GRPC_TLS", "ETCD"]) {
      expect(secretOf(`${prefix}_CERT_FILE`)).toEqual([secretName, "tls.crt"]);
      expect(secretOf(`${prefix}_KEY_FILE`)).toEqual([secretName, "tls.key"]);
      expect(secretOf(`${prefix}_CA_FILE`)).toEqual([secretName, "ca.crt"]);
    }
  });

  test("etcd speaks nothing else but where it is probed, and asks everybody for a certificate", () => {
    const { spec, container } = workload(withTls({ secrets: { etcd: "registry-tls" } }), "etcd");
    const plain = container.command?.filter((flag) => flag.includes("http://"));

    expect(plain).toEqual(["--listen-metrics-urls=http://0.0.0.0:2381"]);
    for (const prefix of ["--", "--peer-"]) {
      expect(container.command).toEqual(
        expect.arrayContaining([
          `${prefix}cert-file=/etc/etcd/tls.crt`,
          `${prefix}key-file=/etc/etcd/tls.key`,
          `${prefix}trusted-ca-file=/etc/etcd/ca.crt`,
          `${prefix}client-cert-auth`,
        ]),
      );
    }
    expect(container.volumeMounts).toContainEqual({
      name: "tls",
      mountPath: "/etc/etcd",
      readOnly: true,
    });
    expect(spec.volumes).toEqual([
      { name: "tls", secret: { secretName: "registry-tls", defaultMode: 0o440 } },
    ]);
  });

  test("etcdctl in a member's pod asks that member, by a name of its certificate and with its files", () => {
    const { container } = workload(withTls(), "etcd");
    const given = Object.fromEntries(
      (container.env ?? []).map(({ name, value }) => [
        name,
        value?.replace("$(POD_NAME)", "etcd-0"),
      ]),
    );

    expect(given).toMatchObject({
      ETCDCTL_ENDPOINTS: "https://etcd-0.etcd:2379",
      ETCDCTL_CACERT: "/etc/etcd/ca.crt",
      ETCDCTL_CERT: "/etc/etcd/tls.crt",
      ETCDCTL_KEY: "/etc/etcd/tls.key",
    });
    const plain = workload(withTls({ enabled: false }), "etcd").container.env ?? [];
    expect(plain.slice(1)).toEqual([
      { name: "ETCDCTL_ENDPOINTS", value: "http://$(POD_NAME).etcd:2379" },
    ]);
  });

  test("the services ask etcd for TLS, and no Service says that gRPC is without", () => {
    const manifests = withTls();
    for (const name of ["push-manager", "connect-node"]) {
      const { env } = workload(manifests, name).container;
      const endpoints = env?.find(({ name }) => name === "ETCD_ENDPOINTS")?.value?.split(",") ?? [];
      expect(endpoints).toHaveLength(3);
      for (const url of endpoints) expect(url).toMatch(/^https:/);
    }
    const protocols = ofKind(manifests, "Service").flatMap(({ spec }) =>
      (spec?.ports ?? []).map(({ appProtocol }) => appProtocol),
    );
    expect(protocols).not.toContain("kubernetes.io/h2c");
  });

  test("there are Certificates where an issuer is named, and none where the Secrets are made by hand", () => {
    const names = (tls: ConfigInput["tls"]) =>
      ofKind(withTls(tls), "Certificate").map(({ metadata }) => metadata?.name);

    expect(names({ issuer: ISSUER })).toEqual(["push-manager", "connect-node", "etcd"]);
    expect(names({})).toEqual([]);
    expect(names({ enabled: false, issuer: ISSUER })).toEqual([]);
  });

  test("each certificate is for the names by which its workload is called, into its Secret", () => {
    const issuer = { name: "company", kind: "ClusterIssuer" };
    const certificates = ofKind(withTls({ issuer }), "Certificate").map(({ spec }) => [
      spec?.secretName,
      spec?.dnsNames,
    ]);

    expect(Object.fromEntries(certificates)).toEqual({
      "push-manager-tls": [
        "push-manager",
        "push-manager.pushcast",
        "push-manager.pushcast.svc",
        "push-manager.pushcast.svc.cluster.local",
        "push-manager-headless",
        "push-manager-headless.pushcast",
        "push-manager-headless.pushcast.svc",
        "push-manager-headless.pushcast.svc.cluster.local",
      ],
      "connect-node-tls": ["connect-node"],
      "etcd-tls": ["etcd-0.etcd", "etcd-1.etcd", "etcd-2.etcd"],
    });
    for (const { spec } of ofKind(withTls({ issuer }), "Certificate")) {
      expect(spec?.issuerRef).toEqual({ ...issuer, group: "cert-manager.io" });
      expect(spec?.usages).toEqual(expect.arrayContaining(["server auth", "client auth"]));
    }
  });
});
