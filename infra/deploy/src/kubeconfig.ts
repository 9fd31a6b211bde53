import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { type Cluster, type Context, KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";
import { DeployError, ExitCode } from "./deploy-error.ts";

const SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

export interface KubeconfigOptions {
  /** @default what KUBECONFIG names, else ~/.kube/config, else the pod's own service account */
  readonly file?: string | undefined;
  /** @default the kubeconfig's current context */
  readonly context?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** An API server, and how to be somebody there. */
export interface Access {
  readonly kubeConfig: KubeConfig;
  readonly context: string;
  /** The API server's URL, without a slash at the end. */
  readonly server: string;
  readonly user: string;
}

/**
 * Reads the kubeconfig and settles on a context.
 * @throws DeployError if it is missing, broken, or has no such context
 */
export function readKubeconfig({ file, context, env }: KubeconfigOptions): Access {
  const files = file === undefined ? usualFiles(env) : [requireFile(file)];
  if (files.length > 0) return accessOf(loadFiles(files), context, files.join(", "));
  if (!existsSync(SERVICE_ACCOUNT_TOKEN)) {
    throw broken("there is no kubeconfig: set KUBECONFIG, or name a file with --kubeconfig");
  }
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromCluster();
  return accessOf(kubeConfig, context, "the pod's service account");
}

/** As kubectl does, it passes over files of KUBECONFIG that do not exist, unless none does. */
function usualFiles(env: KubeconfigOptions["env"]): string[] {
  const named = (env.KUBECONFIG ?? "").split(delimiter).filter((name) => name !== "");
  const existing = named.filter((name) => existsSync(name));
  if (named[0] !== undefined) return existing.length > 0 ? existing : [requireFile(named[0])];
  const usual = join(env.HOME ?? homedir(), ".kube", "config");
  return existsSync(usual) ? [usual] : [];
}

function requireFile(file: string): string {
  if (!existsSync(file)) throw broken(`the kubeconfig ${file} does not exist`);
  return file;
}

function loadFiles(files: readonly string[]): KubeConfig {
  const merged = new KubeConfig();
  for (const file of files) {
    try {
      const one = new KubeConfig();
      if (!isMapping(parse(readFileSync(file, "utf8")))) throw new Error("it is not a mapping");
      one.loadFromFile(file);
      merged.mergeConfig(one, merged.currentContext !== undefined);
    } catch (error) {
      const [problem] = (error as Error).message.split("\n");
      throw broken(`the kubeconfig ${file} is broken: ${problem}`, error);
    }
  }
  return merged;
}

function accessOf(kubeConfig: KubeConfig, name: string | undefined, source: string): Access {
  const context = contextOf(kubeConfig, name, source);
  kubeConfig.setCurrentContext(context.name);
  const cluster = kubeConfig.getCluster(context.cluster);
  if (cluster === null) {
    throw broken(
      `the context "${context.name}" names the cluster "${context.cluster}", which ${source} does not have`,
    );
  }
  if (context.user !== undefined && kubeConfig.getUser(context.user) === null) {
    throw broken(
      `the context "${context.name}" names the user "${context.user}", which ${source} does not have`,
    );
  }
  checkServer(cluster);
  const { server } = cluster;
  return { kubeConfig, context: context.name, server, user: context.user ?? "nobody" };
}

function contextOf(kubeConfig: KubeConfig, name: string | undefined, source: string): Context {
  const names = kubeConfig.getContexts().map((context) => context.name);
  const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
  const wanted = name ?? kubeConfig.getCurrentContext();
  if (!wanted) {
    throw broken(`${source} has no current context: choose one with --context (${known})`);
  }
  const context = kubeConfig.getContextObject(wanted);
  if (context === null) throw broken(`${source} has no context "${wanted}": ${known}`);
  return context;
}

function checkServer({ name, server, skipTLSVerify }: Cluster): void {
  if (!/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw broken(
      `the server of the cluster "${name}" is not an http:// or https:// URL: ${server}`,
    );
  }
  // The client library's own rule, which it would tell at the first request only.
  if (server.startsWith("http:") && !skipTLSVerify) {
    throw broken(
      `the cluster "${name}" has an http:// server, which needs insecure-skip-tls-verify: true`,
    );
  }
}

function isMapping(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function broken(message: string, cause?: unknown): DeployError {
  return new DeployError(ExitCode.CONFIG, message, { cause });
}
