import { clientOptions, readClientEndpoint } from "../client/client-options.ts";
import type { HostedNode } from "../doctor/checks/host.ts";
import type { DoctorTargets } from "../doctor/doctor.ts";
import type { EtcdTarget } from "../doctor/etcd-examination.ts";
import { UsageError } from "../frame/cli-error.ts";
import { defineCommand } from "../frame/command.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";
import type { Environment } from "../frame/io.ts";
import { flag, type OptionValues, text, texts } from "../frame/option.ts";
import { takePositionals } from "../frame/read-arguments.ts";
import { readClientOptions, readPem } from "../manager/manager-client.ts";
import { managerOptions } from "../manager/manager-options.ts";

const DETAILS = `
Looks at an installation as its users and its processes see it, and says for
each thing that is not well what to do about it: the push-manager (DNS, TCP,
TLS, health, access), its nodes, etcd, the processes' own metrics, settings that
must be the same, clocks, the clients' way through the Ingress, and one push
from end to end. All at once; each step ends after --timeout.

It looks only at what it is given; the rest is listed as not checked. With
nothing given it looks at the push-manager on this machine. It changes nothing,
but for one push to a room of its own, pushcast-doctor-<random>, where both
--manager and --url are given.

The exit code is 0 if nothing failed, also with warnings (but not with
--strict), and 1 if something did.
`;

const options = {
  ...managerOptions,
  manager: text({
    group: "Connection to the push-manager",
    placeholder: "HOST:PORT",
    doc: "Where it serves gRPC (with nothing given to look at: localhost:50051)",
    env: "PUSHCAST_MANAGER",
  }),
  ...clientOptions,
  etcd: text({
    group: "etcd",
    placeholder: "URL,…",
    doc: "Its client endpoints, as the processes have them",
    env: "ETCD_ENDPOINTS",
  }),
  etcdCa: text({
    group: "etcd",
    placeholder: "FILE",
    doc: "The CA that its certificate must be of, PEM",
    env: "ETCD_CA_FILE",
  }),
  etcdCert: text({
    group: "etcd",
    placeholder: "FILE",
    doc: "The certificate to show to it, PEM. With --etcd-key",
    env: "ETCD_CERT_FILE",
  }),
  etcdKey: text({
    group: "etcd",
    placeholder: "FILE",
    doc: "The key of that certificate, PEM",
    env: "ETCD_KEY_FILE",
  }),
  ops: texts({
    placeholder: "HOST:PORT,…",
    doc: "Ops ports (OPS_PORT, 9100) of push-managers and connect-nodes, best of all of them",
  }),
  host: flag({
    doc: "Also judge this machine, with the limits that this process has, for a connect-node with the settings in the environment",
  }),
  strict: flag({ doc: "End with 1 for warnings, too" }),
};

type DoctorOptions = OptionValues<typeof options>;

export const doctorCommand = defineCommand({
  name: "doctor",
  summary: "Find what is wrong with an installation, and say what to do",
  forms: ["[options]"],
  details: DETAILS,
  options,
  examples: [
    {
      line: "pushcast doctor --manager localhost:50051 --url ws://localhost:8080/ws",
      doc: "What `pushcast dev` runs, with a push from end to end",
    },
    {
      line: "pushcast doctor --ops localhost:9100,localhost:9101,localhost:9102",
      doc: "How near all processes are to their limits, and whether their settings agree",
    },
    {
      line: "pushcast doctor --etcd http://localhost:2379 --strict --json",
      doc: "For a script",
    },
  ],
  run: async ({ options: given, positionals }, { output, env }) => {
    takePositionals(positionals, []);
    const targets = await readTargets(given, env);
    const [{ examine }, { countFindings, reportJson, reportLines }] = await Promise.all([
      import("../doctor/doctor.ts"),
      import("../doctor/report.ts"),
    ]);
    const sections = await examine(targets, (underWay) => {
      output.progress(`looking at ${underWay.join(", ")} …`);
    });
    output.result(reportJson(sections), () => reportLines(sections, output));
    const { fail, warn } = countFindings(sections);
    return fail > 0 || (given.strict && warn > 0) ? EXIT_CODES.failed : EXIT_CODES.ok;
  },
});

/** @throws CliError */
async function readTargets(given: DoctorOptions, env: Environment): Promise<DoctorTargets> {
  const isElsewhere = [given.url, given.etcd].some((value) => value !== undefined);
  const isOther = isElsewhere || given.ops.length > 0 || given.host;
  const manager = given.manager ?? (isOther ? undefined : "localhost:50051");
  return {
    manager:
      manager === undefined
        ? undefined
        : {
            address: manager,
            options: readClientOptions({ ...given, manager }, env.PUSHCAST_TOKEN),
          },
    client: given.url === undefined ? undefined : readClientEndpoint(given.url, given, env),
    etcd: readEtcdTargets(given),
    ops: readOps(given.ops),
    host: given.host ? await readHostedNode(env) : undefined,
    timeoutMs: given.timeout,
  };
}

/** @throws CliError */
function readEtcdTargets({ etcd, etcdCa, etcdCert, etcdKey }: DoctorOptions): EtcdTarget[] {
  if (etcd === undefined) return [];
  if ((etcdCert === undefined) !== (etcdKey === undefined)) {
    throw new UsageError("--etcd-cert and --etcd-key belong together");
  }
  const tls = {
    ...(etcdCa !== undefined && { ca: readPem(etcdCa, "--etcd-ca", "CERTIFICATE") }),
    ...(etcdCert !== undefined && { cert: readPem(etcdCert, "--etcd-cert", "CERTIFICATE") }),
    ...(etcdKey !== undefined && { key: readPem(etcdKey, "--etcd-key", "PRIVATE KEY") }),
  };
  return etcd.split(",").map((endpoint) => {
    const url = URL.canParse(endpoint.trim()) ? new URL(endpoint.trim()) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
      throw new UsageError(
        `--etcd takes URLs with commas between them, not ${JSON.stringify(endpoint)}`,
        "As in ETCD_ENDPOINTS: http://etcd-0.etcd:2379,http://etcd-1.etcd:2379.",
      );
    }
    return { endpoint: url, tls };
  });
}

/** @throws UsageError */
function readOps(given: readonly string[]): string[] {
  return given.flatMap((list) =>
    list.split(",").map((address) => {
      if (/^(?:\[[\da-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/.test(address.trim())) return address.trim();
      throw new UsageError(
        `--ops takes HOST:PORT, with commas between several, not ${JSON.stringify(address)}`,
      );
    }),
  );
}

/** The settings that a connect-node would have in this environment. @throws CliError */
async function readHostedNode(env: Environment): Promise<HostedNode> {
  const [{ nodeSettings }, { readSettings }] = await Promise.all([
    import("@pushcast/connect-node"),
    import("@pushcast/runtime"),
  ]);
  const {
    MAX_SESSIONS,
    MAX_PENDING_CONNECTIONS,
    LOG_BYTES,
    FRAME_CACHE_BYTES,
    SESSION_BUFFER_BYTES,
  } = nodeSettings;
  const read = readSettings(
    { MAX_SESSIONS, MAX_PENDING_CONNECTIONS, LOG_BYTES, FRAME_CACHE_BYTES, SESSION_BUFFER_BYTES },
    env,
  );
  if (read.ok) return read.settings;
  const problems = read.errors.map(({ setting, problem }) => `${setting} ${problem}`);
  throw new UsageError(`settings in the environment are invalid: ${problems.join("; ")}`);
}
