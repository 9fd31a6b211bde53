import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rollOutAtOnce } from "./controllers.ts";
import { refusalBody } from "./kube-server.ts";
import { Stage } from "./stage.ts";
import { object } from "./system.ts";

const NAMESPACED = "/api/v1/namespaces/pushcast";
const VOLUME = `${NAMESPACED}/persistentvolumeclaims/data-etcd-0`;
const CONNECT_NODE = "/apis/apps/v1/namespaces/pushcast/deployments/connect-node";

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open();
  rollOutAtOnce(stage.server);
  await stage.apply();
  stage.server.put(object("v1", "PersistentVolumeClaim", "data-etcd-0"));
  stage.server.put(object("v1", "Secret", "token"));
  stage.server.put(object("v1", "ConfigMap", "by-kubectl"));
});

afterEach(() => stage.close());

describe("deleting", () => {
  test("takes what was applied away, users before what they use", async () => {
    const run = await stage.run("delete", "--yes");

    expect(run).toMatchObject({ exitCode: 0, error: [] });
    expect(stage.server.pathsOf("DELETE")).toEqual([
      "/apis/apps/v1/namespaces/pushcast/deployments/push-manager",
      CONNECT_NODE,
      "/apis/apps/v1/namespaces/pushcast/statefulsets/etcd",
      `${NAMESPACED}/services/etcd`,
      `${NAMESPACED}/services/push-manager`,
      `${NAMESPACED}/services/connect-node`,
    ]);
  });

  test("keeps volumes, and says so, the namespace, Secrets and what others applied", async () => {
    const run = await stage.run("delete", "--yes");

    expect(run.lines.at(-1)).toBe("PersistentVolumeClaim data-etcd-0: kept");
    expect([...stage.server.objects.keys()]).toEqual(
      expect.arrayContaining([
        "/api/v1/namespaces/pushcast",
        VOLUME,
        `${NAMESPACED}/secrets/token`,
        `${NAMESPACED}/configmaps/by-kubectl`,
      ]),
    );
  });

  test("takes volumes away when it is told to, last", async () => {
    await stage.run("delete", "--yes", "--with-data");

    expect(stage.server.pathsOf("DELETE").at(-1)).toBe(VOLUME);
    expect(stage.server.objects.has(VOLUME)).toBe(false);
  });

  test("keeps what pods need until they have ended", async () => {
    stage.server.lingering.add(CONNECT_NODE);
    let asked = 0;
    let servicesLeft: boolean | undefined;
    stage.server.onRequest = ({ method, path }) => {
      if (method !== "GET" || path !== CONNECT_NODE || ++asked < 3) return;
      servicesLeft = stage.server.objects.has(`${NAMESPACED}/services/connect-node`);
      stage.server.objects.delete(CONNECT_NODE);
    };

    expect(await stage.run("delete", "--yes")).toMatchObject({ exitCode: 0 });
    expect(servicesLeft).toBe(true);
  });

  test("says which kinds the caller may not list", async () => {
    const scaledObjects = "/apis/keda.sh/v1alpha1/namespaces/pushcast/scaledobjects";
    const forbidden = refusalBody(403, "Forbidden", "cannot list");
    stage.server.answer("GET", scaledObjects, 403, forbidden);

    const run = await stage.run("delete", "--yes");

    expect(run).toMatchObject({ exitCode: 0, error: [] });
    expect(run.lines[0]).toBe(
      "scaledobjects cannot be looked at: forbidden; if there are any, they stay",
    );
  });

  test("says what has not gone in time", async () => {
    stage.server.lingering.add(CONNECT_NODE);

    expect(await stage.run("delete", "--yes", "--timeout", "90")).toMatchObject({
      exitCode: 3,
      error: ["not gone within 90 s: Deployment connect-node"],
    });
  });

  test("does nothing the second time", async () => {
    await stage.run("delete", "--yes", "--with-data");

    expect(await stage.run("delete", "--yes")).toEqual({
      exitCode: 0,
      lines: ["nothing was applied in namespace pushcast"],
      error: [],
    });
  });

  test("does nothing without a yes", async () => {
    const run = await stage.run("delete");

    expect(run.exitCode).toBe(64);
    expect(run.error[0]).toContain("confirm with --yes");
    expect(stage.server.pathsOf("DELETE")).toEqual([]);
  });
});
