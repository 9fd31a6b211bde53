import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { credentials, Metadata, status } from "@grpc/grpc-js";
import { resolveConfig } from "@pushcast/cdk8s";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manifestsOf, ofKind } from "../../infra/cdk8s/test/support/manifests.ts";
import { readPage } from "../docs/pages.ts";
import { type CertificateFiles, TestCa } from "../support/certificates.ts";
import { LoopbackPods, portOf, type Secrets } from "../support/loopback-pods.ts";
import { ManagerClient, refusal } from "../support/manager-client.ts";
import { TestClient } from "../support/ws-client.ts";

/** With few pods, and the rest as in the profile. */
const MANIFESTS = manifestsOf(
  resolveConfig("prod", {
    pushManager: { replicas: { min: 1, max: 1 } },
    connectNode: { replicas: { min: 2, max: 2 } },
    tls: { issuer: { name: "pushcast-ca" } },
  }),
);
const PUSH_TOKEN = randomBytes(24).toString("base64url");

describe("the processes that the manifests of prod describe", { timeout: 60_000 }, () => {
  const pods = new LoopbackPods(MANIFESTS);
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const closing: (() => unknown)[] = [];
  let ca: TestCa;

  beforeAll(async () => {
    ca = await TestCa.create();
    await pods.start({
      ...(await certificates()),
      "pushcast-jwt": {
        "public.pem": publicKey.export({ type: "spki", format: "pem" }).toString(),
      },
      "pushcast-tickets": { secrets: randomBytes(32).toString("base64") },
      "pushcast-callers": {
        "callers.yaml": JSON.stringify({
          callers: [
            { name: "chat", token: PUSH_TOKEN, rpcs: ["PushToRoom", "ListNodes"], rooms: ["*"] },
          ],
        }),
      },
    });
  }, 60_000);

  afterAll(async () => {
    await Promise.all(closing.map((close) => close()));
    await pods.close();
    await ca?.close();
  });

  /** What cert-manager would put into the Secrets, with the addresses that stand for the pods' names here. */
  async function certificates(): Promise<Secrets> {
    const secrets: Record<string, Record<string, string>> = {};
    for (const { metadata, spec } of ofKind(MANIFESTS, "Certificate")) {
      const addresses = pods.of(metadata?.name ?? "").map(({ ip }) => ip);
      const files = await ca.issue({ dnsNames: spec?.dnsNames ?? [], addresses });
      secrets[spec?.secretName ?? ""] = contents(files);
    }
    return secrets;
  }

  function managerClient(token: string): ManagerClient {
    const [pod] = pods.of("push-manager");
    if (pod === undefined) throw new Error("there is no push-manager");
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    const client = new ManagerClient(`${pod.ip}:${portOf(pod, "grpc")}`, {
      credentials: credentials.combineChannelCredentials(
        credentials.createSsl(readFileSync(ca.cert)),
        credentials.createFromMetadataGenerator((_options, callback) => callback(null, metadata)),
      ),
    });
    closing.push(() => client.close());
    return client;
  }

  async function clientOf(node: (typeof pods.pods)[number]): Promise<TestClient> {
    const nowS = Math.floor(Date.now() / 1000);
    const claims = { sub: "ann", rooms: ["room-*"], iat: nowS, exp: nowS + 3600 };
    const signed = [{ alg: "EdDSA" }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const token = `${signed}.${sign(null, Buffer.from(signed), privateKey).toString("base64url")}`;
    const url = `ws://${node.ip}:${portOf(node, "ws")}/ws`;
    const client = await TestClient.open(url, { userId: "ann", token });
    closing.push(() => client.close());
    return client;
  }

  test("find each other by TLS, and deliver the push of a known caller to clients with tokens", async () => {
    const manager = managerClient(PUSH_TOKEN);
    const nodes = pods.of("connect-node");
    const clients = await Promise.all(nodes.map(clientOf));
    await Promise.all(clients.map((client) => client.join("room-001")));
    await manager.untilLinked(nodes.map(({ name }) => name));
    const { report } = await manager.pushToRoom({ roomId: "room-001", content: "hello" });

    expect(report).toMatchObject({ nodesTotal: 2, nodesAcked: 2, nodesMatched: 2 });
    for (const client of clients) await client.message("hello");
  });

  test("take no push from a caller whom they do not know", async () => {
    const stranger = managerClient(randomBytes(24).toString("base64url"));
    const push = stranger.pushToRoom({ roomId: "room-001", content: "hello" });
    expect((await refusal(push)).code).toBe(status.UNAUTHENTICATED);
  });

  test("can be asked by etcdctl as the runbook says", async () => {
    const commands = Array.from(
      readPage("docs/runbook.md").matchAll(
        /kubectl -n pushcast exec (etcd-\d) -- (etcdctl [^`\n]+)/g,
      ),
      ([, member = "", command = ""]) => ({ member, command }),
    );
    const printed: string[] = [];
    for (const { member, command } of commands) {
      const pod = pods.of("etcd").find(({ name }) => name === member);
      if (pod === undefined) throw new Error(`there is no ${member}`);
      const args = command.split(" ").map((text) => text.replace(/^""$/, ""));
      printed.push(await pods.exec(pod, args));
    }

    const keys = pods.of("connect-node").map(({ name }) => `/pushcast/nodes/${name}`);
    expect(commands.map(({ command }) => command.split(" ")[1])).toEqual(
      expect.arrayContaining(["get", "defrag", "alarm"]),
    );
    for (const key of keys) expect(printed[0]).toContain(key);
  });

  test("let in no client that only says who it is", async () => {
    const [node] = pods.of("connect-node");
    if (node === undefined) throw new Error("there is no connect-node");
    const url = `ws://${node.ip}:${portOf(node, "ws")}/ws`;
    await expect(TestClient.open(url, { userId: "ann" })).rejects.toThrow("401");
  });
});

function contents({ cert, key, ca }: CertificateFiles): Record<string, string> {
  const read = (path: string) => readFileSync(path, "utf8");
  return { "tls.crt": read(cert), "tls.key": read(key), "ca.crt": read(ca) };
}
