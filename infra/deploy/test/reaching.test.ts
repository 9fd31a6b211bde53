import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { refusalBody } from "./kube-server.ts";
import { Stage } from "./stage.ts";

const DEPLOYMENTS = "/apis/apps/v1/namespaces/pushcast/deployments";

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open();
});

afterEach(() => stage.close());

describe("an API server", () => {
  test("is told who asks", async () => {
    await stage.run("status");

    expect(stage.server.requests[0]?.authorization).toBe("Bearer secret-token");
  });

  test("cannot be reached without the credentials that the kubeconfig promises", async () => {
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "no-such-plugin" };
    stage.kubeconfig = join(stage.folder, "exec");
    writeFileSync(
      stage.kubeconfig,
      JSON.stringify({
        "current-context": "test",
        contexts: [{ name: "test", context: { cluster: "test", user: "tester" } }],
        clusters: [
          { name: "test", cluster: { server: stage.server.url, "insecure-skip-tls-verify": true } },
        ],
        users: [{ name: "tester", user: { exec } }],
      }),
    );

    expect(await stage.run("status")).toMatchObject({
      exitCode: 78,
      error: [
        'no credentials for the user "tester" of the context "test": spawn no-such-plugin ENOENT',
      ],
    });
  });

  test("is none if it answers with something else than JSON", async () => {
    stage.server.answer("GET", DEPLOYMENTS, 200, "<html>hello</html>");

    const { exitCode, error } = await stage.run("status");

    expect(exitCode).toBe(69);
    expect(error[0]).toContain("something that is not JSON: is it a Kubernetes API server?");
  });

  test("may stand behind a proxy that answers in its own words", async () => {
    stage.server.answer("GET", DEPLOYMENTS, 502, "<html>bad gateway</html>");

    expect(await stage.run("status")).toMatchObject({
      exitCode: 1,
      error: ["deployments: the API server answered 502: <html>bad gateway</html>"],
    });
  });

  test("that stays busy is not asked for ever", async () => {
    const busy = refusalBody(429, "TooManyRequests", "too many requests");
    stage.server.answer("GET", DEPLOYMENTS, 429, busy, { "retry-after": "0" });

    expect(await stage.run("status")).toMatchObject({
      exitCode: 1,
      error: ["deployments: the API server answered 429: too many requests"],
    });
    expect(stage.server.pathsOf("GET").filter((path) => path === DEPLOYMENTS)).toHaveLength(5);
  });
});
