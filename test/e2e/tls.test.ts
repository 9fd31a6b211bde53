import { once } from "node:events";
import { readFile, rename, writeFile } from "node:fs/promises";
import { connect as connectPlain } from "node:net";
import { connect } from "node:tls";
import { type ChannelCredentials, Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { describe, expect } from "vitest";
import {
  type CertificateFiles,
  MountedCertificate,
  type TestCa,
  tlsSettings,
} from "../support/certificates.ts";
import { refusal } from "../support/manager-client.ts";
import { openSocketsOf } from "../support/proc.ts";
import type { Settings } from "../support/processes.ts";
import { it, type Stage } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

async function channelOf({ ca, key, cert }: CertificateFiles): Promise<ChannelCredentials> {
  return credentials.createSsl(await readFile(ca), await readFile(key), await readFile(cert));
}

function managerCertificate(ca: TestCa) {
  return ca.issue({ dnsNames: ["push-manager"] });
}

function nodeCertificate(ca: TestCa) {
  return ca.issue({ dnsNames: ["connect-node"] });
}

/** A node that no registry knows. */
async function lonelyNode(stage: Stage, ca: TestCa, settings: Settings = {}) {
  const certificate = await nodeCertificate(ca);
  return await stage.node({ REGISTRY: "memory", ...tlsSettings(certificate), ...settings });
}

async function mounted(stage: Stage, files: CertificateFiles): Promise<MountedCertificate> {
  const mount = await MountedCertificate.create(files);
  stage.atEnd(() => mount.close());
  return mount;
}

/** The fingerprint of the certificate that a server shows on a new connection. */
function shownBy(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const [host, port] = address.split(":");
    const socket = connect({
      host,
      port: Number(port),
      ALPNProtocols: ["h2"],
      rejectUnauthorized: false,
    });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
  });
}

function health(stage: Stage, address: string, secure: ChannelCredentials): Promise<Buffer> {
  const client = new Client(address, secure);
  stage.atEnd(() => client.close());
  const bytes = (message: Buffer) => message;
  return new Promise((resolve, reject) => {
    const path = "/grpc.health.v1.Health/Check";
    const deadline = Date.now() + 15_000;
    client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), { deadline }, (error, answer) =>
      answer === undefined ? reject(error) : resolve(answer),
    );
  });
}

describe.concurrent("with TLS", { timeout: 60_000 }, () => {
  it("managers, nodes and etcd know each other by their certificates", async ({ stage }) => {
    const ca = await stage.ca();
    const [etcdFiles, managerFiles, nodeFiles] = await Promise.all([
      ca.issue({ dnsNames: ["etcd"] }),
      managerCertificate(ca),
      nodeCertificate(ca),
    ]);
    const etcd = await stage.etcd({ tls: etcdFiles });
    const settingsOf = (files: CertificateFiles) => ({
      REGISTRY: "etcd",
      ETCD_ENDPOINTS: etcd.endpoint,
      ETCD_CA_FILE: files.ca,
      ETCD_CERT_FILE: files.cert,
      ETCD_KEY_FILE: files.key,
      ...tlsSettings(files),
    });
    const manager = await stage.manager(settingsOf(managerFiles));
    const first = await stage.node(settingsOf(nodeFiles));
    const publisher = stage.publisher(manager, {
      credentials: credentials.createSsl(await readFile(ca.cert)),
    });
    await publisher.untilLinked([first.nodeId]);
    const client = await stage.client(first, { userId: "ann" });
    await client.join("room");
    const { report } = await publisher.pushToRoom({ roomId: "room", content: "hello" });
    expect(report).toMatchObject({ nodesAcked: 1, sessionsDelivered: 1 });

    // It copies the log of the first.
    const second = await stage.node(settingsOf(nodeFiles));
    await second.warm();
    await publisher.untilLinked([first.nodeId, second.nodeId]);
    expect((await second.metrics()).sum("connect_node_log_bytes")).toBeGreaterThan(0);
    for (const { metrics } of [first, second, manager]) {
      const said = await metrics();
      expect(said.sum("connect_node_refused_calls_total")).toBe(0);
      expect(said.sum("push_manager_refused_calls_total")).toBe(0);
    }
    const seconds = (await manager.metrics()).value("push_manager_certificate_expiry_seconds", {
      files: "grpc_tls",
    });
    expect(seconds / 86_400).toBeCloseTo(2, 1);
  });

  it("an etcd refuses whoever shows no certificate, and is refused if its own is not of the CA", async ({
    stage,
  }) => {
    const [ca, otherCa] = await Promise.all([stage.ca(), stage.ca()]);
    const etcd = await stage.etcd({ tls: await ca.issue({ dnsNames: ["etcd"] }) });
    const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
    const managers = await Promise.all([
      stage.manager({ ...found, ETCD_CA_FILE: ca.cert }),
      stage.manager({ ...found, ETCD_CA_FILE: otherCa.cert }),
      stage.manager(found),
    ]);
    for (const { process, opsUrl } of managers) {
      await until("a failure is logged", () => process.logLines.length > 0);
      expect((await fetch(`${opsUrl}/readyz`)).status).toBe(503);
    }
  });

  it("an etcd that wants a certificate costs no socket with each try, and is quoted", async ({
    stage,
  }) => {
    const ca = await stage.ca();
    const etcd = await stage.etcd({ tls: await ca.issue({ dnsNames: ["etcd"] }) });
    const { process } = await stage.manager({
      REGISTRY: "etcd",
      ETCD_ENDPOINTS: etcd.endpoint,
      ETCD_CA_FILE: ca.cert,
    });
    await until("a failure is logged", () => process.logLines.length >= 1);
    expect(process.stderr).toMatch(/alert (bad certificate|certificate required)/);
    const sockets = openSocketsOf(process.pid);
    await until("more are logged", () => process.logLines.length >= 5);
    await until("no socket is left", () => openSocketsOf(process.pid) <= sockets);
  });

  it("a node serves only managers and nodes, and only what is theirs", async ({ stage }) => {
    const [ca, otherCa] = await Promise.all([stage.ca(), stage.ca()]);
    const node = await lonelyNode(stage, ca);
    await node.warm();
    const trust = await readFile(ca.cert);
    const strangers = await Promise.all([
      credentials.createSsl(trust),
      otherCa
        .issue({ dnsNames: ["push-manager"] })
        .then((files) => channelOf({ ...files, ca: ca.cert })),
      ca.issue({ dnsNames: ["push-manager"], expired: true }).then(channelOf),
    ]);
    const known = {
      manager: await channelOf(await managerCertificate(ca)),
      node: await channelOf(await nodeCertificate(ca)),
      bizServer: await channelOf(
        await ca.issue({ dnsNames: ["shop.example"], commonName: "push-manager" }),
      ),
    };
    const codesOf = async (secure: ChannelCredentials) => {
      const client = stage.nodeClient(node, secure);
      const nameOf = async (call: Promise<unknown>) =>
        await call.then(
          () => "served",
          async () => {
            const { code, pushcastCode } = await refusal(call);
            return `${code} ${pushcastCode}`;
          },
        );
      const delivering = client.deliverStream();
      delivering.on("data", () => {});
      const delivered = new Promise<string>((resolve) => {
        delivering.on("error", (error: ServiceError) =>
          resolve(`${error.code} ${error.metadata.get("pushcast-code")[0]}`),
        );
        // A node answers a manager's stream that ends.
        delivering.on("end", () => resolve("served"));
      });
      delivering.end();
      return {
        deliver: await delivered,
        inspect: await nameOf(client.inspect()),
        tail: await nameOf(client.beginTail("room")),
        replicate: await nameOf(client.replicate()),
        push: await nameOf(client.pushMessageBatch({ roomId: "room", content: "x" })),
      };
    };
    const missing = "16 CERTIFICATE_MISSING";
    const forbidden = "7 CERTIFICATE_FORBIDDEN";
    for (const stranger of strangers) {
      expect(await codesOf(stranger)).toEqual({
        deliver: missing,
        inspect: missing,
        tail: missing,
        replicate: missing,
        push: missing,
      });
      await health(stage, node.grpcAddress, stranger);
    }
    expect(await codesOf(known.manager)).toEqual({
      deliver: "served",
      inspect: "served",
      tail: "served",
      replicate: forbidden,
      push: "served",
    });
    expect(await codesOf(known.node)).toEqual({
      deliver: forbidden,
      inspect: forbidden,
      tail: forbidden,
      replicate: "served",
      push: forbidden,
    });
    expect(await codesOf(known.bizServer)).toEqual({
      deliver: forbidden,
      inspect: forbidden,
      tail: forbidden,
      replicate: forbidden,
      push: forbidden,
    });
    const metrics = await node.metrics();
    const counted = (code: string) => metrics.value("connect_node_refused_calls_total", { code });
    expect(counted("CERTIFICATE_MISSING")).toBe(15);
    expect(counted("CERTIFICATE_FORBIDDEN")).toBe(10);
  });

  it("a connection whose handshake takes too long is ended", async ({ stage }) => {
    const node = await lonelyNode(stage, await stage.ca());
    const [host, port] = node.grpcAddress.split(":");
    const socket = connectPlain(Number(port), host);
    stage.atEnd(() => socket.destroy());
    socket.resume();
    await once(socket, "close");
    expect((await node.metrics()).sum("connect_node_tls_failures_total")).toBe(1);
  });

  it("a manager links to no node that is another's, or nobody's", async ({ stage }) => {
    const [ca, otherCa] = await Promise.all([stage.ca(), stage.ca()]);
    const wrongNode = async (files: Promise<CertificateFiles>) =>
      await stage.node({ REGISTRY: "memory", ...tlsSettings(await files) });
    const [ofOtherCa, ofOtherName, plain] = await Promise.all([
      wrongNode(nodeCertificate(otherCa)),
      wrongNode(ca.issue({ dnsNames: ["shop.example"], commonName: "connect-node" })),
      stage.node({ REGISTRY: "memory" }),
    ]);
    const nodes = [ofOtherCa, ofOtherName, plain].map(({ grpcAddress }) => grpcAddress);
    const manager = await stage.manager({
      REGISTRY: "static",
      NODES: nodes.join(),
      LOG_LEVEL: "debug",
      ...tlsSettings(await managerCertificate(ca)),
    });
    const publisher = stage.publisher(manager, {
      credentials: credentials.createSsl(await readFile(ca.cert)),
    });
    for (const address of nodes) {
      await until(`link to ${address} is down`, () =>
        manager.process.logLines.some(
          ({ msg, grpcAddress }) => msg === "link is down" && grpcAddress === address,
        ),
      );
    }
    const { report } = await publisher.pushToRoom({ roomId: "room", content: "secret" });
    expect(report).toMatchObject({ nodesTotal: 3, nodesAcked: 0 });
    expect((await ofOtherCa.metrics()).sum("connect_node_push_received_total")).toBe(0);
    expect((await ofOtherName.metrics()).sum("connect_node_push_received_total")).toBe(0);
    expect((await plain.metrics()).sum("connect_node_push_received_total")).toBe(0);
  });

  it("certificates are renewed under load without a link that is lost, and broken ones not used", async ({
    stage,
  }) => {
    const ca = await stage.ca();
    const [managerMount, nodeMount] = await Promise.all([
      managerCertificate(ca).then((files) => mounted(stage, files)),
      nodeCertificate(ca).then((files) => mounted(stage, files)),
    ]);
    const often = { FILES_CHECK_SECONDS: 0.1 };
    const node = await stage.node({ REGISTRY: "memory", ...nodeMount.settings, ...often });
    const manager = await stage.manager({
      REGISTRY: "static",
      NODES: node.grpcAddress,
      ...managerMount.settings,
      ...often,
    });
    const secure = { credentials: credentials.createSsl(await readFile(ca.cert)) };
    const publisher = stage.publisher(manager, secure);
    await publisher.untilLinked([node.nodeId]);
    const client = await stage.client(node, { userId: "ann" });
    await client.join("room");
    const steady = new SteadyPushes(publisher, "room", 5);

    const before = await Promise.all([shownBy(manager.grpcAddress), shownBy(node.grpcAddress)]);
    await Promise.all([
      managerCertificate(ca).then((files) => managerMount.swap(files)),
      nodeCertificate(ca).then((files) => nodeMount.swap(files)),
    ]);
    const loads = async (result: string) => [
      (await manager.metrics()).value("push_manager_file_loads_total", {
        files: "grpc_tls",
        result,
      }),
      (await node.metrics()).value("connect_node_file_loads_total", { files: "grpc_tls", result }),
    ];
    await until("both have loaded the new ones", async () => `${await loads("loaded")}` === "2,2");
    const after = await Promise.all([shownBy(manager.grpcAddress), shownBy(node.grpcAddress)]);
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);

    await Promise.all([
      replaceFile(managerMount.key, "broken"),
      replaceFile(nodeMount.cert, await readFile(ca.cert)),
    ]);
    await until("both have refused them", async () => `${await loads("refused")}` === "1,1");
    expect(await Promise.all([shownBy(manager.grpcAddress), shownBy(node.grpcAddress)])).toEqual(
      after,
    );

    // Who comes anew is served, by the certificates that are in use.
    const late = stage.publisher(manager, secure);
    await late.pushToRoom({ roomId: "room", content: "late" });
    const sent = await steady.stop();
    expect(steady.refused).toEqual([]);
    await until("all have come", () => client.texts.length === sent.length + 1);
    expect(steady.answered.every(({ report }) => report.nodesAcked === 1)).toBe(true);
    // Its link was never lost: that would be a warning.
    const lines = [...manager.process.logLines, ...node.process.logLines];
    expect(lines.map(({ msg }) => msg)).toEqual(
      Array(2).fill("files have changed and cannot be used: what was there before is kept"),
    );
    expect(JSON.stringify(lines)).not.toContain("PRIVATE KEY");
  });

  it("a process does not start with files that are of no use, and says which", async ({
    stage,
  }) => {
    const ca = await stage.ca();
    const [good, other, expired] = await Promise.all([
      nodeCertificate(ca),
      nodeCertificate(ca),
      ca.issue({ dnsNames: ["connect-node"], expired: true }),
    ]);
    const wrong: [CertificateFiles, string, string][] = [
      [{ ...good, key: other.key }, "GRPC_TLS_CERT_FILE", "the key is not that of the certificate"],
      [{ ...good, ca: "/nowhere/ca.crt" }, "GRPC_TLS_CA_FILE", "ENOENT"],
      [{ ...good, ca: good.key }, "GRPC_TLS_CERT_FILE", "the CA is no PEM"],
      [expired, "GRPC_TLS_CERT_FILE", "has expired"],
    ];
    for (const [files, setting, problem] of wrong) {
      const process = stage.process("connect-node", { REGISTRY: "memory", ...tlsSettings(files) });
      const { code, stderr } = await process.exited;
      expect(code).toBe(78);
      expect(JSON.parse(stderr).errors).toEqual([
        { setting, problem: expect.stringContaining(problem) },
      ]);
    }
  });
});

/** At once: a file that is still being written would be refused as well, and counted. */
async function replaceFile(path: string, content: string | Buffer): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}
