import type { Claims } from "./claim.ts";

const COMPILED = {
  how: "checked",
  by: "test/docs/typescript.test.ts",
  against: "the compiler",
} as const;

const SCRIPTS = {
  by: "test/docs/npm-scripts.test.ts",
  against: "the scripts and their options",
} as const;

const TAKES_MINUTES = { how: "not run", why: "takes minutes", checked: SCRIPTS } as const;

const NO_CLUSTER = {
  how: "not run",
  why: "needs a cluster",
  checked: {
    by: "test/repository/kubernetes-page.test.ts",
    against: "the manifests: files, objects, ports, labels; `npm run deploy` its arguments",
  },
} as const;

const NO_CLUSTER_HERE = {
  how: "not run",
  why: "needs a cluster",
  checked: {
    by: "test/docs/commands.test.ts",
    against: "files that there are, and what `npm run deploy` takes",
  },
} as const;

/**
 * Each block of code in the documents, with how it is known that it is true. A block without a claim
 * fails test/docs/claims.test.ts, as does a claim without a block.
 */
export const CLAIMS: Claims = {
  "README.md": [
    { block: "npm install && npm start", how: "run", by: "test/docs/readme.test.ts" },
    { every: "sh", how: "run", by: "test/docs/readme.test.ts" },
    { every: "js", how: "run", by: "test/docs/readme.test.ts" },
    { every: "ts", how: "run", by: "test/docs/readme.test.ts" },
  ],
  "README.zh-CN.md": [
    { every: "sh", how: "checked", by: "test/docs/readme.test.ts", against: "README.md" },
    { every: "js", how: "checked", by: "test/docs/readme.test.ts", against: "README.md" },
    { every: "ts", how: "checked", by: "test/docs/readme.test.ts", against: "README.md" },
  ],
  "CONTRIBUTING.md": [{ every: "sh", how: "not run", why: "runs the tests", checked: SCRIPTS }],
  "docs/architecture.md": [
    {
      block:
        " biz-server ──gRPC──▶ push-manager ──one stream a node──▶ connect-node ──WebSocket──▶ clients",
      how: "diagram",
    },
    {
      block: "proto/pushcast/v1/        publication, push_manager, connect_node, client",
      how: "checked",
      by: "test/docs/architecture.test.ts",
      against: "the folders",
    },
  ],
  "docs/cli.md": [
    { block: "npx pushcast tail --room lobby", how: "run", by: "test/docs/cli.test.ts" },
    { block: "npx pushcast push room lobby 'Hello'", how: "run", by: "test/docs/cli.test.ts" },
    {
      every: "sh",
      how: "checked",
      by: "test/docs/cli.test.ts",
      against: "the options of the commands",
    },
    { every: "text", how: "checked", by: "test/docs/cli.test.ts", against: "the commands' help" },
  ],
  "docs/biz-servers.md": [
    { every: "ts", how: "run", by: "test/docs/biz-servers.test.ts" },
    {
      block: `grpcurl -plaintext -d '{"roomId":"room-001","content":"aGVsbG8="}' localhost:50051 pushcast.v1.PushManagerService/PushToRoom`,
      how: "not run",
      why: "needs grpcurl",
      checked: {
        by: "test/docs/biz-servers.test.ts",
        against: "a push-manager: each call is made, and its service found by reflection",
      },
    },
    { every: "sh", how: "not run", why: "needs protoc and plugins of it" },
    { every: "go", how: "not run", why: "needs Go and its gRPC" },
    { every: "python", how: "not run", why: "needs Python's gRPC" },
  ],
  "docs/kubernetes.md": [
    { every: "sh", ...NO_CLUSTER },
    {
      every: "ts",
      how: "checked",
      by: "test/repository/kubernetes-page.test.ts",
      against: "the compiler, and the configuration's schema",
    },
    {
      every: "json",
      how: "checked",
      by: "test/repository/kubernetes-page.test.ts",
      against: "the configuration's schema",
    },
    {
      every: "yaml",
      how: "checked",
      by: "test/repository/kubernetes-page.test.ts",
      against: "the configuration on the page, and the settings",
    },
  ],
  "docs/operations.md": [
    { block: 'etcd --data-dir "$(mktemp -d)" &', how: "run", by: "test/docs/operations.test.ts" },
    {
      block:
        "scripts/build-images.sh         # localhost/pushcast/push-manager:0.1.0, …/connect-node:0.1.0, …/deletion-cost:0.1.0",
      how: "not run",
      why: "builds images, which `npm run test:images` does",
      checked: { by: "test/docs/commands.test.ts", against: "the script's help" },
    },
    {
      block:
        "mkdir -p ~/pushcast-keys && chmod 700 ~/pushcast-keys              # not in a repository",
      how: "run",
      by: "test/docs/operations.test.ts",
    },
    {
      block:
        "npx pushcast token ann --secret-file ~/pushcast-keys/secret --room lobby --audience push --output ~/pushcast-keys/ann.jwt",
      how: "run",
      by: "test/docs/operations.test.ts",
    },
    {
      block:
        "export REGISTRY=static NODES=127.0.0.1:50052 WS_HOST=127.0.0.1 GRPC_HOST=127.0.0.1 OPS_HOST=127.0.0.1",
      how: "run",
      by: "test/docs/operations.test.ts",
    },
    {
      block: "npx pushcast tail --room lobby --client-token-file ~/pushcast-keys/ann.jwt",
      how: "run",
      by: "test/docs/operations.test.ts",
    },
    {
      block: "mkdir -p ~/pushcast-keys && chmod 700 ~/pushcast-keys",
      how: "run",
      by: "test/docs/operations.test.ts",
    },
    {
      every: "ts",
      how: "checked",
      by: "test/docs/operations.test.ts",
      against: "the compiler, and the configuration's schema",
    },
    {
      block:
        'kubectl -n pushcast create secret generic console --from-literal=token="$(openssl rand -hex 24)"',
      how: "not run",
      why: "needs a cluster",
      checked: { by: "test/docs/operations.test.ts", against: "the manifests: names and the port" },
    },
    {
      block: "securityContext:",
      how: "checked",
      by: "test/docs/operations.test.ts",
      against: "what the manifests have",
    },
    {
      block:
        "biz-server's span                                     its own, if it sends a traceparent",
      how: "checked",
      by: "test/e2e/traces.test.ts",
      against: "the spans of a push",
    },
    {
      block: "POST <AUTHZ_URL>                      Content-Type: application/json",
      how: "checked",
      by: "test/docs/operations.test.ts",
      against: "what a node asks and takes",
    },
    {
      block: "callers:",
      how: "checked",
      by: "test/docs/operations.test.ts",
      against: "what a push-manager reads",
    },
  ],
  "docs/performance.md": [{ every: "sh", ...TAKES_MINUTES }],
  "docs/protocol.md": [
    {
      every: "typescript",
      how: "checked",
      by: "test/docs/protocol.test.ts",
      against: "the compiler, with each frame of the dialogues",
    },
    {
      every: "json",
      how: "checked",
      by: "test/docs/protocol.test.ts",
      against: "what the server reads",
    },
  ],
  "docs/runbook.md": [
    {
      every: "sh",
      how: "not run",
      why: "needs a cluster",
      checked: {
        by: "test/docs/runbook.test.ts",
        against: "the manifests: objects, labels, ports",
      },
    },
  ],
  "docs/scale.md": [{ every: "sh", ...TAKES_MINUTES }],
  "docs/testing.md": [{ every: "sh", ...TAKES_MINUTES }],
  "examples/captions/README.md": [{ every: "sh", how: "checked", ...SCRIPTS }],
  "infra/cdk8s/README.md": [
    { every: "ts", ...COMPILED },
    { every: "sh", ...NO_CLUSTER_HERE },
  ],
  "infra/deploy/README.md": [
    { every: "sh", ...NO_CLUSTER_HERE },
    {
      every: "",
      how: "checked",
      by: "test/docs/commands.test.ts",
      against: "the texts in the code",
    },
  ],
  "packages/api/README.md": [{ every: "ts", ...COMPILED }],
  "packages/client/README.md": [
    {
      block: 'import assert from "node:assert/strict";',
      how: "run",
      by: "test/docs/client-readme.test.ts",
    },
    { every: "ts", ...COMPILED },
    { every: "html", how: "run", by: "test/browser/client.test.ts" },
  ],
};
