import { parseArgs } from "node:util";
import type { AccessOptions, ApplyCommand, Command, ManifestSource } from "./command.ts";
import { DeployError, ExitCode } from "./deploy-error.ts";
import { USAGE } from "./usage.ts";

const DEFAULT_NAMESPACE = "pushcast";

const ACCESS = { context: { type: "string" }, kubeconfig: { type: "string" } } as const;
const NAMESPACE = { namespace: { type: "string", default: DEFAULT_NAMESPACE } } as const;
const TIMEOUT = { timeout: { type: "string", default: "10m" } } as const;

/**
 * What the arguments after `pushcast-deploy` ask for.
 * @throws DeployError
 */
export function readCommandLine(args: readonly string[]): Command {
  if (args.includes("-h") || args.includes("--help")) return { name: "print", text: USAGE };
  const [first = ""] = args;
  const isNamed = first !== "" && !first.startsWith("-");
  const name = isNamed ? first : "apply";
  const rest = isNamed ? args.slice(1) : [...args];
  try {
    switch (name) {
      case "apply":
        return readApply(rest);
      case "status":
        return readStatus(rest);
      case "delete":
        return readDelete(rest);
    }
  } catch (error) {
    // Of parseArgs: an unknown option, or one without its value.
    if (error instanceof TypeError) throw usageError(error.message);
    throw error;
  }
  throw usageError(`unknown command ${JSON.stringify(name)}`);
}

function readApply(args: string[]): ApplyCommand {
  const { values } = parseArgs({
    args,
    options: {
      ...ACCESS,
      ...TIMEOUT,
      profile: { type: "string" },
      config: { type: "string" },
      manifests: { type: "string" },
      "dry-run": { type: "boolean", default: false },
      diff: { type: "boolean", default: false },
      "exit-code": { type: "boolean", default: false },
      "force-conflicts": { type: "boolean", default: false },
      patience: { type: "string", default: "60s" },
    },
  });
  if (values["exit-code"] && !values.diff)
    throw usageError("--exit-code is of use with --diff only");
  return {
    name: "apply",
    source: sourceOf(values),
    mode: values.diff ? "diff" : values["dry-run"] ? "dry-run" : "apply",
    exitCode: values["exit-code"],
    forceConflicts: values["force-conflicts"],
    timeoutMs: readDuration("--timeout", values.timeout),
    patienceMs: readDuration("--patience", values.patience),
    ...accessOf(values),
  };
}

function readStatus(args: string[]): Command {
  const { values } = parseArgs({ args, options: { ...ACCESS, ...NAMESPACE } });
  return { name: "status", namespace: values.namespace, ...accessOf(values) };
}

function readDelete(args: string[]): Command {
  const { values } = parseArgs({
    args,
    options: {
      ...ACCESS,
      ...NAMESPACE,
      ...TIMEOUT,
      yes: { type: "boolean", default: false },
      "with-data": { type: "boolean", default: false },
    },
  });
  const { namespace, timeout } = values;
  const withData = values["with-data"];
  if (!values.yes) {
    const what = withData ? "the system and its data" : "the system";
    throw usageError(`delete takes ${what} away from namespace ${namespace}: confirm with --yes`);
  }
  const timeoutMs = readDuration("--timeout", timeout);
  return { name: "delete", namespace, withData, timeoutMs, ...accessOf(values) };
}

function sourceOf(values: {
  readonly profile?: string;
  readonly config?: string;
  readonly manifests?: string;
}): ManifestSource {
  const { profile, config, manifests } = values;
  if (manifests !== undefined) {
    if (profile === undefined && config === undefined) return { kind: "folder", folder: manifests };
    throw usageError("--manifests stands alone, without --profile and --config");
  }
  if (config !== undefined) return { kind: "config", file: config, profile };
  if (profile !== undefined) return { kind: "profile", profile };
  throw usageError("what to apply is missing: --profile, --config or --manifests");
}

function accessOf(values: {
  readonly context?: string;
  readonly kubeconfig?: string;
}): AccessOptions {
  return { context: values.context, kubeconfig: values.kubeconfig };
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

function readDuration(option: string, text: string): number {
  const [, count, unit = "s"] = /^(\d{1,6})([smh])?$/.exec(text) ?? [];
  if (count === undefined)
    throw usageError(`${option} takes a time such as 90s or 10m, not ${text}`);
  return Number(count) * (UNITS_MS[unit] ?? Number.NaN);
}

function usageError(message: string): DeployError {
  return new DeployError(ExitCode.USAGE, `${message}; see pushcast-deploy --help`);
}
