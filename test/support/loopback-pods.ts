import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  type Manifest,
  type Workload,
  workloadsOf,
} from "../../infra/cdk8s/test/support/manifests.ts";
import { type ServiceName, ServiceProcess, type Settings } from "./processes.ts";
import { until } from "./until.ts";

type Container = Workload["containers"][number];

/** What a kubelet would run, as a process on an address of its own below 127.0.0.0/8. */
export interface LoopbackPod {
  readonly workload: string;
  readonly name: string;
  readonly ip: string;
  readonly container: Container;
  /** As the process has them. */
  readonly env: Readonly<Record<string, string>>;
  /** What it has mounted of Secrets, in place of the paths in the manifests. */
  readonly mounts: readonly { readonly path: string; readonly files: readonly MountedFile[] }[];
}

interface MountedFile {
  readonly file: string;
  readonly secret: string;
  readonly key: string;
}

/** What Secrets hold, by their names and keys. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

const KEPT_OUTPUT_CHARS = 4096;

/** The defaults of ServiceProcess, which no kubelet knows. */
const NO_TEST_DEFAULTS: Settings = {
  GRPC_PORT: undefined,
  OPS_PORT: undefined,
  WS_PORT: undefined,
  AUTH_MODE: undefined,
  ACK_TIMEOUT_MS: undefined,
  REGISTRATION_TTL_S: undefined,
  DRAIN_ACCEPT_SECONDS: undefined,
  DRAIN_SECONDS: undefined,
};

/** Runs what manifests describe, with the ports, the environment and the flags that they give. */
export class LoopbackPods {
  readonly pods: LoopbackPod[] = [];
  readonly #dataFolder = mkdtempSync(join(tmpdir(), "pushcast-pods-"));
  readonly #services: ServiceProcess[] = [];
  /** Members of etcd, by their names. */
  readonly #etcds = new Map<string, ChildProcess>();
  /** Why members of etcd ended by themselves, by their names. */
  readonly #ends = new Map<string, string>();
  readonly #workloads: readonly Workload[];

  constructor(manifests: readonly Manifest[]) {
    this.#workloads = workloadsOf(manifests);
    for (const workload of this.#workloads) this.#addPods(workload);
  }

  of(workload: string): LoopbackPod[] {
    return this.pods.filter((pod) => pod.workload === workload);
  }

  /**
   * Starts all of them at once, as a cluster does; resolves when every probe is content.
   * @param secrets those that the manifests name. @default none
   */
  async start(secrets: Secrets = {}): Promise<void> {
    for (const pod of this.pods) {
      this.#mount(pod, secrets);
      if (pod.workload === "etcd") this.#startEtcd(pod);
      else this.#startService(pod);
    }
    await Promise.all(
      this.pods.map((pod) => until(`${pod.name} is ready`, () => this.#isReady(pod))),
    );
  }

  /** As `kubectl exec`: runs a program with a pod's environment; resolves with what it writes on stdout. */
  async exec(pod: LoopbackPod, [program = "", ...args]: readonly string[]): Promise<string> {
    const own = Object.entries(pod.env).map(([name, value]) => [
      name,
      this.#mounted(pod, this.#resolved(expanded(value, pod.env))),
    ]);
    const env = { PATH: process.env.PATH, ...Object.fromEntries(own) };
    return (await promisify(execFile)(program, args, { env })).stdout;
  }

  /** Starts a member of etcd again, with an empty volume; resolves with why it ends. */
  async loseVolume(member: string): Promise<string> {
    await this.#restartEmpty([member]);
    await until(`${member} ends`, () => this.#ends.has(member));
    return this.#ends.get(member) ?? "";
  }

  /** Starts all members of etcd again, with empty volumes; resolves when they are ready. */
  async startEtcdAnew(): Promise<void> {
    const members = this.of("etcd");
    await this.#restartEmpty(members.map(({ name }) => name));
    await Promise.all(
      members.map((pod) => until(`${pod.name} is ready`, () => this.#isReady(pod))),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.close()));
    await Promise.all([...this.#etcds.keys()].map((member) => this.#kill(member)));
    rmSync(this.#dataFolder, { recursive: true, force: true });
  }

  async #restartEmpty(members: readonly string[]): Promise<void> {
    await Promise.all(members.map((member) => this.#kill(member)));
    for (const pod of this.pods.filter(({ name }) => members.includes(name))) {
      rmSync(join(this.#dataFolder, pod.name), { recursive: true });
      this.#startEtcd(pod);
    }
  }

  async #kill(member: string): Promise<void> {
    const etcd = this.#etcds.get(member);
    if (etcd === undefined) return;
    if (etcd.exitCode === null && etcd.signalCode === null) {
      const exit = once(etcd, "exit");
      etcd.kill("SIGKILL");
      await exit;
    }
    this.#ends.delete(member);
  }

  #addPods({ manifest, spec, containers }: Workload): void {
    const [container] = containers;
    const workload = manifest.metadata?.name ?? "";
    if (container === undefined) throw new Error(`${workload} has no container`);
    for (let index = 0; index < (manifest.spec?.replicas ?? 1); index += 1) {
      const name = `${workload}-${index}`;
      // Of this process, so that two runs of the tests do not meet.
      const ip = `127.${(process.pid >> 8) & 255}.${process.pid & 255}.${10 + this.pods.length}`;
      const env = Object.fromEntries(
        (container.env ?? []).map((variable) => [
          variable.name,
          environmentValue(variable, { name, ip }),
        ]),
      );
      const mounts = (container.volumeMounts ?? []).map(({ name, mountPath }) => ({
        path: mountPath,
        files: filesOf(spec.volumes?.find((volume) => volume.name === name)),
      }));
      this.pods.push({ workload, name, ip, container, env, mounts });
    }
  }

  #mount(pod: LoopbackPod, secrets: Secrets): void {
    for (const { path, files } of pod.mounts) {
      for (const { file, secret, key } of files) {
        const content = secrets[secret]?.[key];
        if (content === undefined) throw new Error(`${pod.name} needs ${key} of Secret ${secret}`);
        const folder = this.#folderOf(pod, path);
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, file), content);
      }
    }
  }

  #folderOf(pod: LoopbackPod, path: string): string {
    return join(this.#dataFolder, `${pod.name}${path.replaceAll("/", "-")}`);
  }

  /** With folders of this machine in place of those that a pod would have. */
  #mounted(pod: LoopbackPod, text: string): string {
    return pod.mounts
      .filter(({ files }) => files.length > 0)
      .reduce(
        (mounted, { path }) => mounted.replace(`${path}/`, `${this.#folderOf(pod, path)}/`),
        text,
      );
  }

  /** With addresses in place of the names that a cluster's DNS would know. */
  #resolved(text: string): string {
    return this.of("etcd").reduce(
      (resolved, { name, ip }) => resolved.replaceAll(`//${name}.etcd:`, `//${ip}:`),
      text,
    );
  }

  #startService(pod: LoopbackPod): void {
    const { workload, ip, env } = pod;
    const resolved = Object.entries(env).map(([name, value]) => [
      name,
      this.#mounted(pod, this.#resolved(value)),
    ]);
    const hosts = { GRPC_HOST: ip, OPS_HOST: ip, WS_HOST: ip };
    const settings = {
      ...NO_TEST_DEFAULTS,
      // As the images say.
      NODE_ENV: "production",
      ...Object.fromEntries(resolved),
      ...hosts,
    };
    this.#services.push(new ServiceProcess(workload as ServiceName, settings));
  }

  #startEtcd(pod: LoopbackPod): void {
    const { name, ip, env, container } = pod;
    const [program = "", ...flags] = (container.command ?? []).map((text) =>
      this.#mounted(pod, this.#resolved(expanded(text, env)))
        .replace("//0.0.0.0:", `//${ip}:`)
        .replace("/var/lib/etcd/", `${join(this.#dataFolder, name)}/`),
    );
    const path = { PATH: process.env.PATH };
    const etcd = spawn(program, flags, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...path, ...env },
    });
    let errors = "";
    etcd.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-KEPT_OUTPUT_CHARS);
    });
    etcd.once("close", (code, signal) => {
      if (signal === null) this.#ends.set(name, `${name} ended with ${code}: ${errors}`);
    });
    this.#etcds.set(name, etcd);
  }

  /** Debian's etcd is of a version that answers neither /livez nor /readyz. */
  async #isReady(pod: LoopbackPod): Promise<boolean> {
    const ends = [
      ...this.#ends.values(),
      ...this.#services.map((service) => service.unexpectedEnd),
    ];
    const end = ends.find((found) => found !== undefined);
    if (end !== undefined) throw new Error(end);
    const { readinessProbe, livenessProbe } = pod.container;
    if (pod.workload === "etcd") return await isContent(pod, readinessProbe, "/health");
    return (await isContent(pod, livenessProbe)) && (await isContent(pod, readinessProbe));
  }
}

/** Where each file of a volume comes from; none for a volume of another kind. */
function filesOf(
  volume: NonNullable<Workload["spec"]["volumes"]>[number] | undefined,
): MountedFile[] {
  const whole = volume?.secret?.secretName;
  if (whole !== undefined) {
    return ["tls.crt", "tls.key", "ca.crt"].map((key) => ({ file: key, secret: whole, key }));
  }
  return (volume?.projected?.sources ?? []).flatMap(({ secret }) =>
    (secret?.items ?? []).map(({ key, path }) => ({ file: path, secret: secret?.name ?? "", key })),
  );
}

/** The number of a container's named port. */
export function portOf({ container, name }: LoopbackPod, portName: unknown): number {
  const port = container.ports?.find((found) => found.name === portName)?.containerPort;
  if (port === undefined) throw new Error(`${name} has no port ${portName}`);
  return port;
}

async function isContent(
  pod: LoopbackPod,
  probe: Container["readinessProbe"],
  path = probe?.httpGet?.path,
): Promise<boolean> {
  const port = portOf(pod, probe?.httpGet?.port);
  try {
    return (await fetch(`http://${pod.ip}:${port}${path}`)).status === 200;
  } catch {
    return false;
  }
}

function environmentValue(
  variable: NonNullable<Container["env"]>[number],
  pod: { name: string; ip: string },
): string {
  const field = variable.valueFrom?.fieldRef?.fieldPath;
  switch (field) {
    case undefined:
      return variable.value ?? "";
    case "metadata.name":
      return pod.name;
    case "status.podIP":
      return pod.ip;
    case "metadata.labels['topology.kubernetes.io/zone']":
      return "";
    default:
      throw new Error(`${variable.name} is of ${field}`);
  }
}

function expanded(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\((\w+)\)/g, (whole, name: string) => env[name] ?? whole);
}
