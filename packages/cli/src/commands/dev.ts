import { defineCommand } from "../frame/command.ts";
import type { ExitCode } from "../frame/exit-codes.ts";
import { flag } from "../frame/option.ts";
import { takePositionals } from "../frame/read-arguments.ts";

const DETAILS = `
Runs one push-manager and two connect-nodes in this process, with a page to try
them: for development, without authentication, reachable from this machine only.

                 WebSocket   gRPC    ops
  push-manager               50051   9100
  node-1         8080        50052   9101   and the page: http://localhost:8080/
  node-2         8081        50053   9102

Environment:
  ETCD_ENDPOINTS   Find the nodes in this etcd instead of in memory
  LOG_LEVEL        What is logged on stderr (default: warn)
  MAX_SESSIONS     The most sessions of a node (default: 5000)
  MAX_PENDING_CONNECTIONS
                   The most connections without a session (default: 1000)
  Other settings of the services hold too, but for who a client is (AUTH_MODE,
  JWT_…), who may push (PUSH_AUTH, GRPC_TLS_…), REGISTRY, hosts, ports, names,
  drains and stops: those that are given are named on stderr, and not heeded.

Ctrl-C stops it, a second one at once.
`;

export const devCommand = defineCommand({
  name: "dev",
  summary: "Run a whole system on this machine, with a page to try it",
  forms: ["[options]"],
  details: DETAILS,
  options: {
    freePorts: flag({ doc: "Take any free ports instead of these" }),
  },
  examples: [
    { line: "pushcast dev", doc: "A system at the usual ports" },
    {
      line: "pushcast dev --free-ports --json",
      doc: "A second one; where it listens, for a script",
    },
    {
      line: "ETCD_ENDPOINTS=http://localhost:2379 pushcast dev",
      doc: "Find the nodes in an etcd",
    },
  ],
  ownsProcess: true,
  run: async ({ options: { freePorts }, positionals }, { output, env }) => {
    takePositionals(positionals, []);
    const [{ runProcess }, { devBanner, devReadyJson }] = await Promise.all([
      import("@pushcast/runtime/process"),
      import("../dev/banner.ts"),
    ]);
    runProcess(
      async () => {
        const { createDevForPeople } = await import("../dev/for-people.ts");
        return createDevForPeople({ env, freePorts, output });
      },
      (ready) => output.result(devReadyJson(ready), () => devBanner(ready)),
    );
    // runProcess ends the process.
    return await new Promise<ExitCode>(() => {});
  },
});
