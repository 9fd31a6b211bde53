import { parseArgs } from "node:util";
import { runProcess } from "@pushcast/runtime";
import { type Action, type Command, UsageError } from "./command.ts";
import { devBanner } from "./dev/banner.ts";

const USAGE = `Usage: pushcast dev [options]

Runs one push-manager and two connect-nodes in this process, with a page to try
them: for development, without authentication, reachable from this machine only.

                 WebSocket   gRPC    ops
  push-manager               50051   9100
  node-1         8080        50052   9101   and the page: http://localhost:8080/
  node-2         8081        50053   9102

Options:
  --free-ports   Take any free ports instead of these
  -h, --help     Show this

Environment:
  ETCD_ENDPOINTS   Find the nodes in this etcd instead of in memory
  LOG_LEVEL        What is logged on stderr (default: warn)
  Other settings of the services hold too, but for hosts, ports, names and drains.

Ctrl-C stops it, a second one at once.
`;

export const devCommand: Command = {
  name: "dev",
  summary: "Run a whole system on this machine, with a page to try it",
  usage: USAGE,
  prepare: (args): Action => {
    const { freePorts } = readOptions(args);
    return { kind: "run", run: () => runDev(freePorts) };
  },
};

/** @throws UsageError */
function readOptions(args: readonly string[]): { freePorts: boolean } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { "free-ports": { type: "boolean", default: false } },
      strict: true,
      allowPositionals: false,
    });
    return { freePorts: values["free-ports"] };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}; see pushcast dev --help`);
  }
}

function runDev(freePorts: boolean): void {
  runProcess(
    async () => {
      const { createDevForPeople } = await import("./dev/for-people.ts");
      return createDevForPeople({ env: process.env, freePorts });
    },
    (ready) => process.stdout.write(devBanner(ready)),
  );
}
