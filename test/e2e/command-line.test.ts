import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type RunOptions,
  runInMemory,
  startInMemory,
} from "../../packages/cli/test/run-in-memory.ts";
import { type CertificateFiles, type TestCa, tlsSettings } from "../support/certificates.ts";
import type { RunningManager, RunningNode } from "../support/processes.ts";
import { Stage } from "../support/stage.ts";

const BIN = fileURLToPath(new URL("../../packages/cli/bin/pushcast.js", import.meta.url));
const CLEAR_BELOW = "\u001b[J";
const TOKEN = "token-of-the-shop-0123456789";

const stage = new Stage();
let folder: string;
/** Believes clients. */
let open: RunningNode;
/** Wants tokens of `secret`. */
let guarded: RunningNode;
let manager: RunningManager;
/** Speaks TLS, wants tokens, and has no link to its nodes: they speak none. */
let secured: RunningManager;
let ca: TestCa;
let certificate: CertificateFiles;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pushcast-cli-"));
  stage.atEnd(() => rm(folder, { recursive: true }));
  ca = await stage.ca();
  certificate = await ca.issue({ dnsNames: ["push-manager"] });
  await writeFile(join(folder, "token"), `${TOKEN}\n`);
  const shop = { name: "shop", token: TOKEN, rpcs: ["PushToRoom", "ListNodes"], rooms: ["shop:*"] };
  await writeFile(join(folder, "callers.json"), JSON.stringify({ callers: [shop] }));
  const made = await pushcast("token", "ann", "--secret-file", join(folder, "secret"), "--create");
  expect(made.exitCode).toBe(0);

  const [first, second] = await Promise.all([
    stage.node({ REGISTRY: "memory", POD_NAME: "open" }),
    stage.node({
      REGISTRY: "memory",
      POD_NAME: "guarded",
      AUTH_MODE: "jwt",
      JWT_SECRET_FILE: join(folder, "secret"),
      JWT_AUDIENCE: "tests",
    }),
  ]);
  [open, guarded] = [first, second];
  const found = { REGISTRY: "static", NODES: `${open.grpcAddress},${guarded.grpcAddress}` };
  [manager, secured] = await Promise.all([
    stage.manager(found),
    stage.manager({
      ...found,
      ...tlsSettings(certificate),
      PUSH_AUTH: "token",
      PUSH_TOKENS_FILE: join(folder, "callers.json"),
    }),
  ]);
  await stage.publisher(manager).untilLinked(["open", "guarded"]);
  await Promise.all([open.warm(), guarded.warm()]);
}, 30_000);

afterAll(() => stage.close());

/** Everything that the manager and the node without tokens need, as in a shell where it is exported. */
function environment() {
  return { PUSHCAST_MANAGER: manager.grpcAddress, PUSHCAST_URL: open.wsUrl };
}

/** As it is typed, in this process. */
function pushcast(...args: string[]) {
  return runInMemory(args);
}

function here(args: readonly string[], options: RunOptions = {}) {
  return runInMemory(args, { ...options, env: { ...environment(), ...options.env } });
}

/** A tail that is in its room; ended by `end`. */
async function startTail(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const interruption = new AbortController();
  const run = startInMemory(["tail", "--json", ...args], {
    env: { ...environment(), ...env },
    signal: interruption.signal,
  });
  await Promise.race([
    run.untilStdout((stdout) => stdout.includes('"state":"open"')),
    run.exitCode.then((exitCode) => {
      throw new Error(`tail ended with ${exitCode}: ${run.stderr}`);
    }),
  ]);
  return {
    run,
    end: async () => {
      interruption.abort(130);
      return { exitCode: await run.exitCode, events: jsonLines(run.stdout) };
    },
  };
}

function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

describe("pushes reach those who tail:", () => {
  test("a room's text from an argument, JSON from stdin, bytes from a file", async () => {
    const bytes = join(folder, "bytes");
    await writeFile(bytes, Buffer.from([0, 255]));
    const tail = startInMemory(["tail", "--room", "lobby", "--count", "3", "--json"], {
      env: environment(),
    });
    await tail.untilStdout((stdout) => stdout.includes('"state":"open"'));

    const first = await here(["push", "room", "lobby", "Hello"]);
    expect(first).toMatchObject({ exitCode: 0, stderr: "" });
    expect(first.stdout).toMatch(
      /^Pushed to room lobby: [\da-f]{16}-\d+\n1 session on 1 node got it\.\nAll 2 nodes have acknowledged it\.\n$/,
    );
    const asJson = ["push", "room", "lobby", "-", "--content-type", "json"];
    await here(asJson, { stdin: '{"a":[1]}' });
    await here(["push", "room", "lobby", "--file", bytes, "--content-type", "audio/ogg"]);

    expect(await tail.exitCode).toBe(0);
    expect(jsonLines(tail.stdout).filter(({ type }) => type === "message")).toMatchObject([
      { room: "lobby", target: "room", content_type: "text/plain", content: "Hello" },
      { room: "lobby", content_type: "application/json", content: { a: [1] } },
      { room: "lobby", content_type: "audio/ogg", content: "AP8=", encoding: "base64" },
    ]);
  });

  test("a user's, everybody's, and of rooms that the biz-server puts the user into", async () => {
    const { run, end } = await startTail(["--user", "bob"]);
    const joined = await here(["join", "bob", "kitchen", "--json"]);
    expect(JSON.parse(joined.stdout)).toMatchObject({ report: { sessions_delivered: 1 } });
    await here(["push", "user", "bob", "1"]);
    await here(["push", "all", "2"]);
    await here(["push", "all", "not for bob", "--exclude", "bob"]);
    await here(["push", "user", "bob", "3", "--room", "kitchen"]);
    await here(["push", "room", "kitchen", "4", "--ephemeral"]);
    const left = await here(["leave", "bob", "kitchen"]);
    expect(left.stdout).toContain("Took bob out of kitchen (1 session on 1 node).\n");
    await here(["push", "room", "kitchen", "not any more"]);
    await here(["push", "user", "bob", "5"]);
    await run.untilStdout((stdout) => stdout.includes('"content":"5"'));

    const { exitCode, events } = await end();
    expect(exitCode).toBe(0);
    expect(events.filter(({ type }) => type !== "state")).toMatchObject([
      { type: "joined", room: "kitchen" },
      { target: "user", content: "1" },
      { target: "all", content: "2" },
      { target: "user", room: "kitchen", content: "3" },
      { target: "room", room: "kitchen", content: "4", ephemeral: true },
      { type: "left", room: "kitchen" },
      { target: "user", content: "5" },
    ]);
  });

  test("as lines that a terminal cannot be commanded by", async () => {
    const args = ["tail", "--room", "hall", "--count", "1"];
    const tail = startInMemory(args, { env: environment(), terminalColumns: 80 });
    await expect
      .poll(() => tail.stderr, { timeout: 10_000 })
      .toContain("connected to open as pushcast-tail-");
    await here(["push", "room", "hall", "a\u001b[2Jb"]);
    await tail.exitCode;
    expect(tail.stdout).toMatch(/\d\d:\d\d:\d\d\.\d{3}.* {2}.*hall.* {2}a\\u001b\[2Jb\n$/);
  });

  test("until the user is disconnected", async () => {
    const { run } = await startTail(["--user", "carl"]);
    const done = await here(["disconnect", "carl", "--reason", "bye", "--code", "4410"]);
    expect(done.stdout).toContain("Disconnected carl (1 session on 1 node).\n");
    expect(await run.exitCode).toBe(1);
    expect(JSON.parse(run.stderr)).toMatchObject({
      error: { code: "DISCONNECTED", message: "the session was ended: 4410 DISCONNECTED, bye" },
    });
    const again = await here(["disconnect", "carl"]);
    expect(again.stdout).toContain("no open session");
    const revoked = await here(["disconnect", "carl", "--revoke-tokens"]);
    expect(revoked.stdout).toBe(
      `No session of the user was open.
Tokens of carl that were issued before now are refused from now on.
All 2 nodes have acknowledged it.
`,
    );
  });
});

describe("a token that is revoked", () => {
  test("ends the tail that has no other, which does not promise to come back", async () => {
    const args = ["--user", "eve", ...(await tokenOf("eve"))];
    const { run } = await startTail(args, guardedUrl());
    const forPeople = startInMemory(["tail", ...args], { env: guardedUrl() });
    await expect.poll(() => forPeople.stderr, { timeout: 10_000 }).toContain("connected to");

    const done = await here(["disconnect", "eve", "--revoke-tokens"]);

    expect(done.exitCode).toBe(0);
    expect(await run.exitCode).toBe(77);
    expect(jsonLines(run.stderr)).toEqual([
      { error: expect.objectContaining({ code: "TOKEN_REFUSED", exit_code: 77 }) },
    ]);
    expect(await forPeople.exitCode).toBe(77);
    expect(forPeople.stderr).toMatch(
      /connected to guarded as eve\nthe token is not taken any more; looking for a newer one in .*\npushcast: the token is not taken any more: it has expired or was revoked\n {2}Get a new one/,
    );
  });

  test("is replaced by the one that is in its file by then", async () => {
    const [option = "", file = ""] = await tokenOf("fay");
    const { run, end } = await startTail(["--user", "fay", option, file], guardedUrl());
    await rm(file);
    await here(["disconnect", "fay", "--revoke-tokens"]);
    // A token is revoked with all that were issued within the same second.
    const issuedAtMs = Math.floor(Date.now() / 1000 + 1) * 1000;
    await expect.poll(() => Date.now(), { timeout: 5_000 }).toBeGreaterThanOrEqual(issuedAtMs);
    await tokenOf("fay");

    await expect
      .poll(() => run.stdout.split('"state":"open"').length - 1, { timeout: 20_000 })
      .toBe(2);
    expect((await end()).exitCode).toBe(0);
  });
});

/** In TLS before the node that believes clients, with a certificate of its own. */
async function startTlsProxy({ cert, key }: CertificateFiles): Promise<string> {
  const identity = { cert: await readFile(cert), key: await readFile(key) };
  const { hostname, port } = new URL(open.wsUrl);
  const sockets: Socket[] = [];
  const server = createTlsServer(identity, (socket) => {
    const upstream = connect(Number(port), hostname);
    for (const one of [socket, upstream]) sockets.push(one.on("error", () => {}));
    socket.pipe(upstream).pipe(socket);
  }).on("tlsClientError", () => {});
  await once(server.listen(0, "127.0.0.1"), "listening");
  stage.atEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `wss://localhost:${(server.address() as AddressInfo).port}/ws`;
}

describe("over wss://", () => {
  test("tail, bench and doctor reach a node whose certificate is of the CA that is named", async () => {
    const url = await startTlsProxy(await ca.issue({ dnsNames: ["localhost"] }));
    const { end } = await startTail(["--room", "lobby", "--ca", ca.cert], { PUSHCAST_URL: url });
    expect((await end()).exitCode).toBe(0);

    const client = ["--url", url, "--client-ca", ca.cert, "--json"];
    const bench = await here([
      "bench",
      ...client,
      "--clients",
      "2",
      "--rate",
      "10",
      "--seconds",
      "2",
    ]);
    expect(bench).toMatchObject({ exitCode: 0, stderr: "" });
    expect(jsonLines(bench.stdout)).toHaveLength(1);

    const doctor = await here(["doctor", ...client, "--timeout", "10s"]);
    expect(doctor).toMatchObject({ exitCode: 0, stderr: "" });
    const { checks } = JSON.parse(doctor.stdout) as { checks: unknown[] };
    const found = expect.stringMatching(/the certificate of localhost is trusted/);
    expect(checks).toContainEqual(expect.objectContaining({ check: "client-certificate", found }));
  });

  test.each<[string, () => Promise<[CertificateFiles, string[]]>, RegExp]>([
    [
      "that has expired",
      async () => [await ca.issue({ dnsNames: ["localhost"], expired: true }), ["--ca", ca.cert]],
      /its certificate has expired/,
    ],
    [
      "for another name",
      async () => [await ca.issue({ dnsNames: ["other"] }), ["--ca", ca.cert]],
      /its certificate is for another name/,
    ],
    [
      "of a CA that is not trusted",
      async () => [await ca.issue({ dnsNames: ["localhost"] }), []],
      /its certificate is of a CA that is not trusted/,
    ],
  ])("a tail says that the certificate is one %s", async (_what, make, message) => {
    const [files, trust] = await make();
    const url = await startTlsProxy(files);

    const tail = await here(["tail", "--room", "lobby", "--url", url, ...trust]);

    expect(tail).toMatchObject({ exitCode: 69, stdout: "" });
    expect(tail.stderr).toMatch(message);
  });
});

describe("with PUSH_AUTH=mtls", () => {
  test("a caller is known by its certificate, and told what is wrong with it", async () => {
    const shop = { name: "shop", certificate: "shop.example", rpcs: ["ListNodes"], rooms: ["*"] };
    const file = join(folder, "certificates.json");
    await writeFile(file, JSON.stringify({ callers: [shop] }));
    const mutual = await stage.manager({
      REGISTRY: "memory",
      ...tlsSettings(certificate),
      PUSH_AUTH: "mtls",
      PUSH_TOKENS_FILE: file,
    });
    const nodes = ["nodes", "--manager", mutual.grpcAddress, "--ca", ca.cert];
    const showing = ({ cert, key }: CertificateFiles) => ["--cert", cert, "--key", key];
    const known = showing(await ca.issue({ dnsNames: ["shop.example"] }));
    const other = showing(await ca.issue({ dnsNames: ["other.example"] }));
    const strangers = await stage.ca();
    const strange = showing(await strangers.issue({ dnsNames: ["shop.example"] }));
    const expired = showing(await ca.issue({ dnsNames: ["shop.example"], expired: true }));

    expect(await here([...nodes, ...known])).toMatchObject({ exitCode: 0 });
    const refusals = await Promise.all(
      [[], other, strange, expired].map((shown) => here([...nodes, ...shown, "--json"])),
    );
    expect(refusals.map(({ exitCode, stderr }) => [exitCode, codeIn(stderr)])).toEqual([
      [77, "CERTIFICATE_MISSING"],
      [77, "CERTIFICATE_UNKNOWN"],
      [77, "CERTIFICATE_MISSING"],
      [77, "CERTIFICATE_MISSING"],
    ]);
    const may = await here([
      "room",
      "lobby",
      "--manager",
      mutual.grpcAddress,
      "--ca",
      ca.cert,
      ...known,
    ]);
    expect(may.stderr).toMatch(/the push-manager refuses: shop may not call GetRoom/);
  });
});

function codeIn(stderr: string): unknown {
  return (JSON.parse(stderr) as { error: { code: unknown } }).error.code;
}

/** Options with a token for a user, who may join rooms that begin with `talk-`. */
async function tokenOf(user: string): Promise<string[]> {
  const file = join(folder, `${user}.jwt`);
  const secret = ["--secret-file", join(folder, "secret"), "--audience", "tests"];
  const { exitCode } = await here(["token", user, ...secret, "--room", "talk-*", "--output", file]);
  expect(exitCode).toBe(0);
  return ["--client-token-file", file];
}

function guardedUrl() {
  return { PUSHCAST_URL: guarded.wsUrl };
}

describe("a push says what became of it:", () => {
  test("nobody was there", async () => {
    const { exitCode, stdout } = await here(["push", "room", "empty", "x"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("No session got it: nobody is there.\n");
  });

  test("as JSON, and once for a key", async () => {
    const push = ["push", "room", "empty", "x", "--idempotency-key", "k-1", "--json"];
    const [first, second] = [await here(push), await here(push)];
    expect(JSON.parse(first.stdout)).toMatchObject({
      message_id: expect.stringMatching(/^[\da-f]{16}-\d+$/),
      idempotency_key: "k-1",
      report: { nodes_total: 2, nodes_acked: 2, nodes_matched: 0, failures: [] },
    });
    expect(second.stdout).toBe(first.stdout);
  });

  test("from stdin, by - as its content or as its file", async () => {
    for (const content of [["-"], ["--file", "-"]]) {
      const pushed = await here(["push", "room", "empty", ...content], { stdin: "piped" });
      expect(pushed).toMatchObject({ exitCode: 0, stderr: "" });
    }
    const large = Buffer.alloc(17 * 1024 * 1024);
    const refused = await here(["push", "room", "empty", "--file", "-", "--json"], {
      stdin: large,
    });
    expect([refused.exitCode, codeIn(refused.stderr)]).toEqual([65, "CONTENT_TOO_LARGE"]);
  });

  test("without waiting", async () => {
    const { stdout } = await here(["push", "all", "x", "--wait", "none"]);
    expect(stdout).toContain("\nSent to 2 nodes, without waiting for them.\n");
  });

  test("no node acknowledged it: 2, and the key to push it again with", async () => {
    const { exitCode, stdout, stderr } = await here(["push", "room", "shop:1", "x", ...withTls()]);
    expect(exitCode).toBe(2);
    expect(stdout).toContain("0 of 2 nodes acknowledged it. These did not:\n");
    expect(stdout).toContain(`${open.grpcAddress}: LINK_DOWN, the push-manager has no link`);
    expect(stderr).toMatch(
      /To push it again: --manager ANOTHER --idempotency-key [\w-]{36}\nThis push-manager answers a repeat with this report/,
    );
  });
});

describe("looking around:", () => {
  test("nodes are shown once where there is no terminal", async () => {
    const { exitCode, stdout } = await here(["nodes"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^NODE +STATE +LINK .*\nguarded +\S+ +live .*\nopen +\S+ +live /);
    const { nodes } = JSON.parse((await here(["nodes", "--json"])).stdout);
    expect(nodes).toMatchObject([{ link: "live" }, { link: "live" }]);
  });

  test.each([30, 60, 100])(
    "nodes fit a terminal of %d columns, and are shown anew",
    async (columns) => {
      const interruption = new AbortController();
      const run = startInMemory(["nodes", "--every", "10ms"], {
        env: { ...environment(), NO_COLOR: "1" },
        terminalColumns: columns,
        signal: interruption.signal,
      });
      const screens = () => run.stdout.split(CLEAR_BELOW);
      await run.untilStdout(() => screens().length > 3);
      interruption.abort(130);
      expect(await run.exitCode).toBe(0);
      const [, first = "", second = ""] = screens();
      const height = first.split("\n").length - 1;
      expect(first.endsWith(`\n\u001b[${height}F`)).toBe(true);
      for (const line of second.split("\n").slice(0, -1)) {
        expect(line.length).toBeLessThanOrEqual(columns);
      }
    },
  );

  test("rooms and users are counted, on each node", async () => {
    const { end } = await startTail(["--user", "dora", "--room", "attic"]);
    const room = await here(["room", "attic"]);
    expect(room).toMatchObject({ exitCode: 0, stderr: "" });
    expect(room.stdout).toBe(
      "room      attic\nsessions  1\nusers     1\n\nNODE  SESSIONS  USERS\nopen         1      1\n",
    );
    const user = await here(["user", "dora", "--json"]);
    expect(JSON.parse(user.stdout)).toMatchObject({
      user: "dora",
      sessions: 1,
      rooms: ["attic"],
      nodes_total: 2,
      nodes_answered: 2,
    });
    await end();
  });
});

describe("a token for development", () => {
  test("is taken by a node with the settings that are said", async () => {
    const file = join(folder, "ann.jwt");
    const made = await here([
      ...["token", "ann", "--secret-file", join(folder, "secret"), "--audience", "tests"],
      ...["--room", "talk-*", "--output", file],
    ]);
    expect(made).toMatchObject({ exitCode: 0, stdout: "" });
    expect(made.stderr).toContain(`  JWT_SECRET_FILE=${join(folder, "secret")}\n`);
    expect(made.stderr).toContain("  JWT_AUDIENCE=tests\n");
    expect(made.stderr).toContain("for development only");
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    const url = { PUSHCAST_URL: guarded.wsUrl };
    const args = ["--room", "talk-1", "--client-token-file", file];
    const { end } = await startTail(args, url);
    expect((await end()).events).toContainEqual(expect.objectContaining({ user_id: "ann" }));

    const refused = await here(["tail", "--room", "other", "--client-token-file", file], {
      env: url,
    });
    expect(refused.exitCode).toBe(77);
    expect(refused.stderr).toMatch(/^(?:connected.*\n)?pushcast: cannot join "other": /);
  });

  test("may be signed with a pair of keys, of which nodes get the public one", async () => {
    const key = join(folder, "dev.pem");
    const { stdout } = await here([
      "token",
      "ann",
      "--private-key-file",
      key,
      "--create",
      "--json",
    ]);
    const { token, ...rest } = JSON.parse(stdout);
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(rest).toMatchObject({
      algorithm: "ES256",
      claims: { sub: "ann" },
      settings: { AUTH_MODE: "jwt", JWT_PUBLIC_KEY_FILE: join(folder, "dev.pub.pem") },
      created: [key, join(folder, "dev.pub.pem")],
    });
    expect((await stat(key)).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, "dev.pub.pem"), "utf8")).toContain("BEGIN PUBLIC KEY");
    await chmod(key, 0o644);
    const again = await here(["token", "ann", "--private-key-file", key]);
    expect(again.stderr).toContain("others may read the key's file: chmod 600 it.");
  });

  test("is not made with what is no key, nor over another file", async () => {
    const short = join(folder, "short");
    await writeFile(short, "too short");
    const made = await here(["token", "ann", "--secret-file", short]);
    expect(made).toMatchObject({ exitCode: 65, stdout: "" });
    expect(made.stderr).toContain("has 9 bytes, and must have 32");
    expect(made.stderr).not.toContain("too short");
    const absent = await here(["token", "ann", "--secret-file", join(folder, "absent")]);
    expect(absent.exitCode).toBe(66);
    expect(absent.stderr).toContain("With --create it is made.");
    const secret = join(folder, "secret");
    const over = await here(["token", "ann", "--secret-file", secret, "--output", secret]);
    expect(over).toMatchObject({ exitCode: 73, stdout: "" });
    expect((await here(["token", "ann", "--private-key-file", secret])).exitCode).toBe(65);
    expect((await here(["token", "ann"])).stderr).toContain("exactly one of --secret-file");
  });
});

/** Takes connections, and says nothing. */
async function silentServer(): Promise<{ text: string; connected: Promise<unknown> }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const connected = once(server, "connection");
  const sockets: Socket[] = [];
  server.on("connection", (socket) => sockets.push(socket.on("error", () => {})));
  stage.atEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { text: `127.0.0.1:${(server.address() as AddressInfo).port}`, connected };
}

function withTls(): string[] {
  const { ca, cert, key } = certificate;
  const token = ["--token-file", join(folder, "token")];
  const tls = ["--ca", ca, "--cert", cert, "--key", key, "--server-name", "push-manager"];
  return ["--manager", secured.grpcAddress, ...tls, ...token];
}

/** Of `withTls`, without some options. */
function withoutOptions(...names: string[]): string[] {
  const args = withTls();
  for (const name of names) args.splice(args.indexOf(name), 2);
  return args;
}

describe("what goes wrong is said, with what to do about it:", () => {
  const cases: Record<
    string,
    [args: () => string[], exitCode: number, message: RegExp, hint: RegExp]
  > = {
    "no push-manager": [
      () => ["nodes", "--manager", "localhost:1"],
      69,
      /^pushcast: cannot reach the push-manager at localhost:1: nobody listens there\n/,
      /pushcast dev.*--manager/,
    ],
    "a host that is not known": [
      () => ["nodes", "--manager", "nowhere.invalid:50051"],
      69,
      /nowhere\.invalid:50051: the name is not known/,
      /--manager/,
    ],
    "an address that is none": [
      () => ["nodes", "--manager", "http://localhost"],
      64,
      /the push-manager's address is HOST:PORT/,
      /without http/,
    ],
    "a node's port instead of a push-manager's": [
      () => ["nodes", "--manager", open.grpcAddress],
      69,
      /is no push-manager/,
      /50051/,
    ],
    "a port for WebSockets instead of gRPC": [
      () => ["nodes", "--manager", new URL(open.wsUrl).host],
      69,
      /it speaks another protocol/,
      /50051/,
    ],
    "TLS to a port without it": [
      () => ["nodes", "--tls"],
      69,
      /it does not speak TLS/,
      /Leave out --tls/,
    ],
    "no TLS to a port with it": [
      () => ["nodes", "--manager", secured.grpcAddress],
      69,
      /it ended the connection/,
      /--tls/,
    ],
    "a CA that is not trusted": [
      () => ["nodes", "--tls", ...withoutOptions("--ca", "--token-file")],
      69,
      /its certificate is of a CA that is not trusted/,
      /--ca FILE/,
    ],
    "a certificate for another name": [
      () => ["nodes", ...withoutOptions("--server-name"), "--server-name", "other"],
      69,
      /its certificate is for another name/,
      /--server-name/,
    ],
    "a certificate without its key": [
      () => ["nodes", "--cert", certificate.cert],
      64,
      /--cert and --key belong together/,
      /pushcast help nodes/,
    ],
    "a file that is no certificate": [
      () => ["nodes", "--ca", join(folder, "token")],
      78,
      /\(--ca\) has no certificate as PEM/,
      /^/,
    ],
    "no token where one is asked for": [
      () => ["nodes", ...withoutOptions("--token-file")],
      77,
      /the push-manager does not know who calls/,
      /--token-file FILE/,
    ],
    "a token that is not known": [
      () => ["nodes", ...withoutOptions("--token-file"), "--token-file", join(folder, "other")],
      77,
      /the push-manager does not know who calls/,
      /PUSH_TOKENS_FILE/,
    ],
    "a room that the caller may not push to": [
      () => ["push", "room", "bank:1", "x", ...withTls()],
      77,
      /the push-manager refuses: shop may not call PushToRoom for this room/,
      /PUSH_TOKENS_FILE/,
    ],
    "a call that the caller may not make": [
      () => ["user", "ann", ...withTls()],
      77,
      /the push-manager refuses: shop may not call GetUser/,
      /PUSH_TOKENS_FILE/,
    ],
    "a file of a token that is not there": [
      () => ["nodes", "--token-file", join(folder, "absent")],
      66,
      /cannot read .*absent \(--token-file\): there is no such file/,
      /^/,
    ],
    "a file of a token that has none": [
      () => ["nodes", "--token-file", certificate.cert],
      65,
      /there is no token in /,
      /one line/,
    ],
    "a token that would go over the network in plain text": [
      () => ["nodes", "--manager", "10.0.0.1:50051", "--token-file", join(folder, "token")],
      64,
      /the token would go to 10\.0\.0\.1 in plain text/,
      /--insecure-token/,
    ],
    "a wrong room": [() => ["push", "room", "", "x"], 65, /room_id must not be empty/, /^/],
    "content that is not its type": [
      () => ["push", "room", "lobby", "{", "--content-type", "json"],
      65,
      /content is application\/json but not JSON/,
      /--content-type/,
    ],
    "content that is too large": [
      () => ["push", "room", "lobby", "x".repeat(300_000)],
      65,
      /content/,
      /MAX_CONTENT_BYTES/,
    ],
    "a push to nobody in particular": [
      () => ["push", "lobby", "Hello"],
      64,
      /push goes to room, user or all, not to "lobby"/,
      /pushcast push room lobby/,
    ],
    "a key that is empty": [
      () => ["push", "room", "lobby", "x", "--idempotency-key", ""],
      64,
      /--idempotency-key is empty/,
      /pushcast help push/,
    ],
    "a time that is too long": [
      () => ["nodes", "--timeout", "99999999d"],
      64,
      /--timeout takes at most 1d/,
      /pushcast help nodes/,
    ],
    "a push of nothing": [() => ["push", "room", "lobby"], 64, /CONTENT is missing/, /--file FILE/],
    "an option that is misspelt": [
      () => ["push", "room", "lobby", "x", "--ephemerl"],
      64,
      /unknown option --ephemerl/,
      /--ephemeral/,
    ],
    "a tail of nothing": [() => ["tail"], 64, /--room NAME, --user ID or both/, /help tail/],
    "no node to tail at": [
      () => ["tail", "--room", "lobby", "--url", "ws://localhost:1/ws"],
      69,
      /cannot reach the connect-node at ws:\/\/localhost:1\/ws: nobody listens there/,
      /pushcast dev.*--url/,
    ],
    "a tail at a wrong path": [
      () => ["tail", "--room", "lobby", "--url", open.wsUrl.replace("/ws", "/x")],
      69,
      /refuses: 404 NOT_FOUND/,
      /\/ws/,
    ],
    "a tail in TLS at a port without it": [
      () => ["tail", "--room", "lobby", "--url", open.wsUrl.replace("ws:", "wss:")],
      69,
      /it does not speak TLS/,
      /ws:\/\/ instead of wss/,
    ],
    "a tail without the token that is asked for": [
      () => ["tail", "--room", "lobby", "--url", guarded.wsUrl],
      77,
      /refuses: 401 TOKEN_MISSING/,
      /--client-token-file FILE/,
    ],
    "a tail of a wrong room": [
      () => ["tail", "--room", ""],
      65,
      /cannot join "": room must not be empty/,
      /1 to 256 bytes/,
    ],
  };

  beforeAll(() => writeFile(join(folder, "other"), "token-of-nobody-0123456789"));

  test.each(Object.entries(cases))("%s", async (_what, [args, exitCode, message, hint]) => {
    const [forPeople, forPrograms] = await Promise.all([here(args()), here([...args(), "--json"])]);
    expect(forPeople.stderr).toMatch(message);
    expect(forPeople.stderr.split("\n").slice(1).join("\n")).toMatch(hint);
    expect(forPeople).toMatchObject({ exitCode, stdout: "" });
    const { error } = jsonLines(forPrograms.stderr)[0] as { error: Record<string, unknown> };
    expect(error).toMatchObject({
      code: expect.stringMatching(/^[A-Z][A-Z_\d]+$/),
      exit_code: exitCode,
    });
    expect(`pushcast: ${error.message}\n`).toMatch(message);
    expect(forPeople.stderr + forPrograms.stderr).not.toContain(TOKEN);
  });

  test("nobody answers in time", async () => {
    const { text } = await silentServer();
    const args = ["nodes", "--manager", text, "--timeout", "300ms"];
    const { exitCode, stderr } = await here(args);
    expect(exitCode).toBe(75);
    expect(stderr).toMatch(/has not answered within 300 ms\n.*--timeout/);
  });
});

describe("the program", () => {
  function start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [BIN, ...args], {
      env: { PATH: process.env.PATH, ...environment(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const written = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      written.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      written.stderr += text;
    });
    stage.atEnd(() => child.kill("SIGKILL"));
    return { child, written, closed: once(child, "close") as Promise<[number | null]> };
  }

  test("shows its help without loading what commands need", async () => {
    const help = start(["--help"], { NODE_DEBUG: "module" });
    expect(await help.closed).toEqual([0, null]);
    expect(help.written.stdout).toMatch(/^Usage: pushcast/);
    expect(help.written.stderr).not.toContain("grpc-js");
    const command = start(["nodes", "--manager", "localhost:1"], { NODE_DEBUG: "module" });
    await command.closed;
    expect(command.written.stderr).toContain("grpc-js");
  });

  test("says what to do in a repository that is not built yet", async () => {
    const unbuilt = join(folder, "unbuilt");
    await Promise.all([
      cp(BIN, join(unbuilt, "bin/pushcast.js"), { recursive: true }),
      cp(join(BIN, "../../package.json"), join(unbuilt, "package.json")),
      mkdir(join(unbuilt, "src"), { recursive: true }),
    ]);
    await writeFile(join(unbuilt, "src/main.ts"), "");
    const run = spawnSync(process.execPath, [join(unbuilt, "bin/pushcast.js"), "--help"], {
      encoding: "utf8",
    });
    expect(run.stderr).toBe("pushcast: it is not built yet\n  Run `npm run build` first.\n");
    expect(run.status).toBe(1);
  });

  test("pushes, and ends by itself", async () => {
    const { written, closed } = start(["push", "room", "lobby", "Hello", "--json"]);
    expect(await closed).toEqual([0, null]);
    expect(JSON.parse(written.stdout)).toMatchObject({ report: { nodes_acked: 2 } });
    expect(written.stderr).toBe("");
  });

  test("ends a tail on Ctrl-C, quietly", async () => {
    const { child, written, closed } = start(["tail", "--room", "lobby"]);
    await expect.poll(() => written.stderr, { timeout: 10_000 }).toContain("connected to open");
    child.kill("SIGINT");
    expect(await closed).toEqual([0, null]);
    expect(written.stdout).toBe("");
  });

  test("ends with 130 where Ctrl-C comes before it is done", async () => {
    const address = await silentServer();
    const { child, written, closed } = start(["push", "all", "x", "--manager", address.text]);
    await address.connected;
    child.kill("SIGINT");
    expect(await closed).toEqual([130, null]);
    expect(written).toEqual({ stdout: "", stderr: "" });
  });

  test("ends quietly when its reader has had enough", async () => {
    const { child, written, closed } = start(["tail", "--room", "cellar", "--json"]);
    await expect.poll(() => written.stdout, { timeout: 10_000 }).toContain('"state":"open"');
    child.stdout.destroy();
    await here(["push", "room", "cellar", "x"]);
    expect(await closed).toEqual([0, null]);
    expect(written.stderr).toBe("");
  });
});
