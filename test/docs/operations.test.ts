import { createHmac, verify } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { loadConfig, resolveConfig } from "@pushcast/cdk8s";
import { listen } from "@pushcast/runtime";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { manifestsOf, workloadsOf } from "../../infra/cdk8s/test/support/manifests.ts";
import { authzRequest } from "../../services/connect-node/src/rooms/authz-request.ts";
import { readSecretLines } from "../../services/connect-node/src/rooms/secret-lines.ts";
import { parseCallers } from "../../services/push-manager/src/access/callers-file.ts";
import { freePorts } from "../support/free-ports.ts";
import { ManagerClient } from "../support/manager-client.ts";
import { blockOf, blocksOf, withReplaced } from "./pages.ts";
import { runShell, Shell } from "./shell.ts";

const PAGE = "docs/operations.md";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pushcast-operations-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("the commands start an etcd, a manager and two nodes, which find each other", async () => {
  const [etcd, etcdPeers] = await freePorts(2);
  const block = blockOf(PAGE, "etcd --data-dir");
  const free = "GRPC_PORT=0 OPS_PORT=0 WS_PORT=0";
  const commands = withReplaced(block.code, {
    "http://127.0.0.1:2379": `http://127.0.0.1:${etcd}`,
    "etcd --data-dir":
      `etcd --listen-client-urls http://127.0.0.1:${etcd} ` +
      `--advertise-client-urls http://127.0.0.1:${etcd} ` +
      `--listen-peer-urls http://127.0.0.1:${etcdPeers} --data-dir`,
    "node services/push-manager": "GRPC_PORT=0 OPS_PORT=0 node services/push-manager",
    "OPS_PORT=9101": free,
    "OPS_PORT=9102 WS_PORT=8081 GRPC_PORT=50053": free,
  });
  const folder = temporaryFolder();
  const system = new Shell(`${commands}\nwait`, { env: { TMPDIR: folder } });
  onTestFinished(() => system.close());
  const [, port] = await system.shows(/"service":"push-manager".*"grpc":(\d+)/);
  const manager = new ManagerClient(`127.0.0.1:${port}`);
  onTestFinished(() => manager.close());

  await system.shows(/"msg":"ready"[^\n]*"node_id":"node-1"/);
  await system.shows(/"msg":"ready"[^\n]*"node_id":"node-2"/);
  await manager.untilLinked(["node-1", "node-2"]);
});

test("the secrets and keys that the page makes are ones that a node reads, and only its user", async () => {
  const folder = temporaryFolder();
  const keys = (code: string) => withReplaced(code, { "~/pushcast-keys": folder });
  for (const inBlock of ["openssl rand -hex 32", "openssl rand -base64 48"]) {
    const block = blocksOf(PAGE).find(({ code }) => code.includes(inBlock));
    await runShell(keys(block?.code ?? ""));
  }

  const read = (name: string) => readFileSync(join(folder, name));
  expect(read("secret").toString()).toMatch(/^[0-9a-f]{64}\n$/);
  expect(read("issuer.pub.pem").toString()).toMatch(/^-----BEGIN PUBLIC KEY-----/);
  expect(readSecretLines(read("ticket-secrets"))).toHaveLength(1);
  for (const name of ["", "secret", "ticket-secrets"]) {
    expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  }

  const printed = await runShell(keys(blockOf(PAGE, "npx pushcast token").code));
  const [ofSecret, ofPair] = [
    read("ann.jwt").toString().trim(),
    /^ey\S+$/m.exec(printed)?.[0] ?? "",
  ];
  const signed = (token: string) => Buffer.from(token.slice(0, token.lastIndexOf(".")));
  const signature = (token: string) => Buffer.from(token.split(".")[2] ?? "", "base64url");
  const hmac = createHmac("sha256", read("secret").subarray(0, 64))
    .update(signed(ofSecret))
    .digest();
  expect(signature(ofSecret)).toEqual(hmac);
  expect(printed).toContain(`JWT_PUBLIC_KEY_FILE=${join(folder, "issuer.pub.pem")}\n`);
  expect(printed).not.toContain("That file is not there");
  const publicKey = { key: read("issuer.pub.pem"), dsaEncoding: "ieee-p1363" } as const;
  expect(verify("sha256", signed(ofPair), publicKey, signature(ofPair))).toBe(true);
  for (const token of [ofSecret, ofPair]) {
    const payload = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    expect(payload).toMatchObject({ sub: "ann", aud: "push", rooms: ["lobby"] });
  }
});

test("a manager and a node of the page take ann's token, and nobody without one", async () => {
  const folder = temporaryFolder();
  const secret = join(folder, "secret");
  const token = join(folder, "ann.jwt");
  await runShell(`npx pushcast token ann --secret-file ${secret} --create --room lobby \
    --audience push --output ${token}`);
  const [grpc, nodeGrpc, ws] = await freePorts(3);
  const commands = withReplaced(blockOf(PAGE, "export REGISTRY=static").code, {
    "127.0.0.1:50052": `127.0.0.1:${nodeGrpc}`,
    "~/pushcast-keys/secret": secret,
    "OPS_PORT=9101": `OPS_PORT=0 GRPC_PORT=${nodeGrpc} WS_PORT=${ws}`,
    "node services/push-manager": `GRPC_PORT=${grpc} OPS_PORT=0 node services/push-manager`,
  });
  const system = new Shell(`${commands}\nwait`);
  onTestFinished(() => system.close());
  await system.shows(/"msg":"ready"[^\n]*"service":"push-manager"/);
  await system.shows(/"msg":"ready"[^\n]*"service":"connect-node"/);

  const env = {
    PUSHCAST_MANAGER: `127.0.0.1:${grpc}`,
    PUSHCAST_URL: `ws://127.0.0.1:${ws}/ws`,
  };
  const tailing = withReplaced(blockOf(PAGE, "npx pushcast tail").code, {
    "~/pushcast-keys/ann.jwt": token,
  });
  const tail = new Shell(tailing, { env });
  onTestFinished(() => tail.close());
  await tail.shows(/connected to \S+ as ann/);
  await expect(runShell("npx pushcast tail --room lobby", { env })).rejects.toThrow(
    /TOKEN_MISSING|needs? a token/,
  );
  const manager = new ManagerClient(env.PUSHCAST_MANAGER);
  onTestFinished(() => manager.close());
  await manager.untilLinked(["node-1"]);
  await runShell("npx pushcast push room lobby 'Hello'", { env });
  await tail.shows(/lobby {2}Hello$/m);

  const revoked = await runShell("npx pushcast disconnect ann --revoke-tokens", { env });
  expect(revoked).toContain("Disconnected ann (1 session on 1 node).");
});

test("the callers of the page are read by a push-manager", () => {
  const { entries } = parseCallers(Buffer.from(blockOf(PAGE, "callers:").code));
  expect(entries).toMatchObject([
    { name: "shop", certificates: ["shop.example.com"], rate: { perSecond: 500, burst: 1000 } },
    { name: "operator" },
  ]);
  const [, operator] = entries;
  expect([...(operator?.rpcs ?? [])]).toEqual(["ListNodes", "PushToRoom"]);
  expect(operator?.rooms.has("pushcast-doctor-4711")).toBe(true);
  expect(operator?.rooms.has("lobby")).toBe(false);
});

test("the security context of the page is what the manifests have", () => {
  const { securityContext } = parse(blockOf(PAGE, "securityContext:").code);
  const manifests = manifestsOf(
    resolveConfig("dev", { connectNode: { sendBufferBytes: 262_144 } }),
  );
  const pod = workloadsOf(manifests).find(({ name }) => name === "Deployment/connect-node");
  expect(pod?.spec.securityContext?.sysctls).toEqual(securityContext.sysctls);
});

test("the commands for the console name what the manifests have", async () => {
  const { code } = blockOf(PAGE, "kubectl -n pushcast create secret generic console");
  const [, namespace, secret, key, workload, port] =
    /-n (\S+) create secret generic (\S+) --from-literal=(\w+)=.*port-forward deployment\/(\S+) (\d+)/s.exec(
      code,
    ) ?? [];
  const consoleTokenSecret = { name: secret ?? "", key: key ?? "" };
  const [snippet = ""] = blocksOf(PAGE).flatMap(({ language, code }) =>
    language === "ts" && code.includes("consoleTokenSecret") ? code : [],
  );
  const file = join(temporaryFolder(), "own.ts");
  writeFileSync(file, snippet);
  const config = await loadConfig({ profile: "prod", file });
  expect(namespace).toBe(config.namespace);
  const pods = workloadsOf(manifestsOf(config)).find(
    ({ name }) => name === `Deployment/${workload}`,
  );
  const [container] = pods?.spec.containers ?? [];
  expect(container?.ports?.map(({ containerPort }) => containerPort)).toContain(Number(port));
  expect(container?.env).toContainEqual({
    name: "CONSOLE_TOKEN",
    valueFrom: { secretKeyRef: consoleTokenSecret },
  });
});

test("a node asks AUTHZ_URL as the page shows, and takes the answer that it shows", async () => {
  const { code } = blockOf(PAGE, "POST <AUTHZ_URL>");
  const asked: string[] = [];
  const [, status, answer] = /^(\d+) (\{.*?\})/m.exec(code) ?? [];
  const server = createServer(async (request, response) => {
    const { method, headers } = request;
    asked.push(`${method} <AUTHZ_URL>`, await text(request));
    asked.push(`Content-Type: ${headers["content-type"]}`);
    asked.push(`Authorization: ${headers.authorization}`);
    response.writeHead(Number(status)).end(answer);
  });
  const port = await listen(server, { host: "127.0.0.1", port: 0, setting: "the biz-server" });
  onTestFinished(() => void server.close());
  const ask = authzRequest(`http://127.0.0.1:${port}/`, () => "<of AUTHZ_TOKEN_FILE>");

  const { signal } = new AbortController();
  expect(status).toBe("200");
  expect(await ask({ userId: "ann", room: "room-1" }, signal)).toBe(true);
  for (const said of asked) expect(code).toContain(said);
});
