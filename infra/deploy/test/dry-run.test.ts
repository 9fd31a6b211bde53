import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rollOutAtOnce } from "./controllers.ts";
import { refusalBody } from "./kube-server.ts";
import { Stage } from "./stage.ts";
import { object, SYSTEM, workload } from "./system.ts";

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open();
  rollOutAtOnce(stage.server);
});

afterEach(() => stage.close());

/** The system with another image of the connect-node, and a variable. */
function changed(value: string) {
  const node = structuredClone(
    workload("Deployment", "connect-node", { replicas: 2 }),
  ) as never as {
    spec: { template: { spec: { containers: object[] } } };
  };
  node.spec.template.spec.containers = [
    {
      name: "connect-node",
      image: "pushcast/connect-node:2",
      env: [{ name: "OPS_TOKEN", value }],
    },
  ];
  return { ...SYSTEM, "40-connect-node.k8s.yaml": [node as never] };
}

describe("a dry run", () => {
  test("lets the server check everything, and changes nothing", async () => {
    await stage.apply();
    const before = new Map(stage.server.objects);
    stage.server.requests.length = 0;

    const run = await stage.apply(changed("x"), "--dry-run");

    expect(run.exitCode).toBe(0);
    expect(run.lines).toContain("StatefulSet etcd: unchanged");
    expect(run.lines).toContain("Deployment connect-node: would be configured");
    expect(run.lines).toContain(
      "Service connect-node: would be deleted, the manifests do not have it any more",
    );
    const writes = stage.server.requests.filter(({ method }) => method !== "GET");
    expect(writes.length).toBeGreaterThan(0);
    expect(writes.every(({ method, query }) => method === "PATCH" && query.dryRun === "All")).toBe(
      true,
    );
    expect(stage.server.objects).toEqual(before);
  });

  test("says what it could not let the server check, as there is no namespace yet", async () => {
    const run = await stage.apply(SYSTEM, "--dry-run");

    expect(run.lines.slice(3, 5)).toEqual([
      "Namespace pushcast: would be created",
      "Service etcd: would be created (unchecked: its namespace does not exist yet)",
    ]);
    expect(stage.server.pathsOf("PATCH")).toEqual(["/api/v1/namespaces/pushcast"]);
    expect(stage.server.objects.has("/api/v1/namespaces/pushcast")).toBe(false);
  });

  test("fails as applying would", async () => {
    stage.server.answer(
      "PATCH",
      "/api/v1/namespaces/pushcast",
      403,
      refusalBody(403, "Forbidden", "no"),
    );

    expect(await stage.apply(SYSTEM, "--dry-run")).toMatchObject({
      exitCode: 77,
      error: ["Namespace pushcast: forbidden (403): no"],
    });
  });
});

describe("a diff", () => {
  test("shows the fields that would change, and no others", async () => {
    await stage.apply();

    const run = await stage.apply(
      {
        ...SYSTEM,
        "40-connect-node.k8s.yaml": [
          ...(SYSTEM["40-connect-node.k8s.yaml"]?.slice(0, 1) ?? []),
          workload("Deployment", "connect-node", { replicas: 5, minReadySeconds: 10 }),
        ],
      },
      "--diff",
    );

    expect(run.exitCode).toBe(0);
    expect(run.lines.slice(2)).toEqual([
      "Deployment connect-node: would be configured",
      "  + spec.minReadySeconds: 10",
      "  ~ spec.replicas: 2 → 5",
    ]);
  });

  test("shows that a secret changes, but not from what to what", async () => {
    await stage.apply(changed("hunter2"));

    const run = await stage.apply(changed("hunter3"), "--diff");

    expect(run.lines.at(-1)).toMatch(
      /^ {2}~ spec\.template\.spec\.containers\[connect-node\]\.env\[OPS_TOKEN\]\.value: "\(secret \w{6}\)" → "\(secret \w{6}\)"$/,
    );
    expect(run.lines.join()).not.toContain("hunter");
  });

  test("says so when nothing would change, also by its exit code", async () => {
    await stage.apply();

    const run = await stage.apply(SYSTEM, "--diff", "--exit-code");

    expect(run.exitCode).toBe(0);
    expect(run.lines.at(-1)).toBe("nothing would change");
  });

  test("tells changes by its exit code when it is asked to", async () => {
    const added = { ...SYSTEM, "60.yaml": [object("v1", "ConfigMap", "new")] };
    await stage.apply();

    expect(await stage.apply(added, "--diff", "--exit-code")).toMatchObject({ exitCode: 2 });
    expect(await stage.apply(added)).toMatchObject({ exitCode: 0 });
    expect(await stage.apply(SYSTEM, "--diff", "--exit-code")).toMatchObject({ exitCode: 2 });
  });
});
