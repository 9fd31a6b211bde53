import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RPC_ERRORS } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { ROOT, repositoryFiles } from "../repository/files.ts";

test("every error of the gRPC ports in docs/reference.md is one that a process answers", () => {
  const code = ["packages/runtime/src", "services/push-manager/src", "services/connect-node/src"]
    .flatMap((folder) => repositoryFiles(folder))
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .map((path) => readFileSync(join(ROOT, path), "utf8"))
    .join("\n");

  expect(Object.keys(RPC_ERRORS).filter((name) => !code.includes(`"${name}"`))).toEqual([]);
});
