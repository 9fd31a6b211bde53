import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { putPods, putStatus, rollOutAtOnce } from "./controllers.ts";
import { KubeServer, refusalBody } from "./kube-server.ts";
import { Stage } from "./stage.ts";
import { SYSTEM, writeManifests } from "./system.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

let stage: Stage;
let manifests: string;

beforeEach(async () => {
  stage = await Stage.open();
  rollOutAtOnce(stage.server);
  manifests = writeManifests(stage.folder, SYSTEM);
});

afterEach(() => stage.close());

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as a process. */
async function deploy(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", MAIN, ...args], {
    env: { ...process.env, KUBECONFIG: stage.kubeconfig, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { code, stdout, stderr };
}

describe("the command as a process", () => {
  test("deploys and says what runs", async () => {
    const deployed = await deploy(["--manifests", manifests]);
    expect(deployed).toMatchObject({ code: 0, stderr: "" });
    expect(deployed.stdout).toMatch(/^context test: .*\n.*is new\n/);
    expect(deployed.stdout).toContain("Deployment connect-node: created\n");
    expect(deployed.stdout).toContain("Deployment connect-node: 2 of 2 ready, after 0 s\n");
  });

  test("says what runs, and ends with 0 when all is well", async () => {
    await stage.apply();

    const status = await deploy(["status"]);

    expect(status).toMatchObject({ code: 0, stderr: "" });
    expect(status.stdout).toMatch(/^StatefulSet etcd: 1 of 1 ready\n/);
  });

  test("deletes, and says what", async () => {
    await stage.apply();

    const deleted = await deploy(["delete", "--yes"]);

    expect(deleted).toMatchObject({ code: 0, stderr: "" });
    expect(deleted.stdout).toContain("StatefulSet etcd: deleted\n");
  });

  test("ends with 3 when a rollout stalls, and says why below", async () => {
    const { onApplied } = stage.server;
    stage.server.onApplied = (object) => {
      if (object.metadata.name !== "connect-node" || object.kind !== "Deployment") {
        return onApplied(object);
      }
      const waiting = { reason: "ErrImagePull", message: "not found" };
      const container = { name: "app", state: { waiting } };
      putPods(stage.server, object, { containerStatuses: [container as never] });
      putStatus(stage.server, object, { replicas: 2, updatedReplicas: 2 });
    };

    const { code, stderr } = await deploy(["--manifests", manifests, "--patience", "0"]);

    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^pushcast-deploy: Deployment connect-node: the rollout has stalled.*\n {2}pod connect-node-0: container app: ErrImagePull: not found\n/,
    );
  });

  test("ends with 77 when it is not allowed", async () => {
    const body = refusalBody(403, "Forbidden", 'namespaces "pushcast" is forbidden');
    stage.server.answer("PATCH", "/api/v1/namespaces/pushcast", 403, body);

    expect(await deploy(["--manifests", manifests])).toMatchObject({
      code: 77,
      stderr:
        'pushcast-deploy: Namespace pushcast: forbidden (403): namespaces "pushcast" is forbidden\n',
    });
  });

  test("ends with 69 when the API server is not there", async () => {
    const gone = await KubeServer.start();
    const { url } = gone;
    stage.kubeconfig = gone.writeKubeconfig(stage.folder);
    await gone.close();

    expect(await deploy(["--manifests", manifests])).toMatchObject({
      code: 69,
      stderr: `pushcast-deploy: the API server ${url} of the context "test" cannot be reached: connection refused\n`,
    });
  });

  test("ends with 78 when there is no kubeconfig", async () => {
    const KUBECONFIG = join(stage.folder, "missing");
    expect(await deploy(["status"], { KUBECONFIG })).toMatchObject({
      code: 78,
      stderr: `pushcast-deploy: the kubeconfig ${KUBECONFIG} does not exist\n`,
    });
  });

  test("ends with 64 when its arguments are wrong, and explains itself on --help", async () => {
    expect(await deploy(["--profle", "dev"])).toMatchObject({ code: 64 });

    const help = await deploy(["--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(/^Usage: pushcast-deploy /);
  });
});
