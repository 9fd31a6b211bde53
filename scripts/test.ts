/**
 * `npm test`: install what is missing, build, lint, run all tests but the long ones.
 * `npm test -- <arguments for vitest>` leaves the lint out, for a quick look at some tests, or for the
 * long ones: `npm run test:chaos`.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** Programs that the tests start and files that they need, and Debian's packages of them. */
const DEBIAN_PACKAGES = {
  etcd: "etcd-server",
  etcdctl: "etcd-client",
  chromium: "chromium",
  nginx: "nginx",
  prometheus: "prometheus",
  promtool: "prometheus",
  "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf": "fonts-dejavu-core",
  "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf": "fonts-dejavu-core",
};
/** What some of these packages start on installation, where there is an init system. */
const SERVICES: Readonly<Record<string, string>> = {
  "etcd-server": "etcd",
  nginx: "nginx",
  prometheus: "prometheus",
};
/** On the PATH of root only. */
const SYSTEM_PROGRAMS = "/usr/sbin";
/** Everything that takes five minutes together on two cores. */
const QUICK = ["--project", "unit", "--project", "system"];
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

const vitestArguments = process.argv.slice(2);

step("install programs where missing", installMissingPrograms);
step("build", () => run("npm", ["run", "--silent", "build"]));
if (vitestArguments.length === 0) {
  step("lint", () => run("npm", ["run", "--silent", "lint"]));
}
console.log("test ...");
const selection = vitestArguments.length > 0 ? vitestArguments : QUICK;
const vitest = spawnSync("vitest", ["run", ...selection], { stdio: "inherit" });
if (vitest.error !== undefined) throw vitest.error;
process.exitCode = vitest.status ?? 1;

/** Prints what is done and how long it took on one line. A failure ends the process. */
function step(name: string, work: () => void): void {
  const startedMs = performance.now();
  process.stdout.write(`${name} ... `);
  try {
    work();
  } catch (error) {
    console.log("failed");
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}

/** Throws what the command printed if it fails; else it stays quiet. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: MAX_OUTPUT_BYTES,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error !== undefined) throw error;
  if (status !== 0) {
    throw new Error(`${stdout}${stderr}\`${command} ${args.join(" ")}\` failed with ${status}`);
  }
}

function installMissingPrograms(): void {
  const missing = Object.entries(DEBIAN_PACKAGES).filter(([needed]) => !isInstalled(needed));
  if (missing.length === 0) return;

  const packages = [...new Set(missing.map(([, debianPackage]) => debianPackage))];
  if (process.getuid?.() !== 0 || !isOnPath("apt-get")) {
    throw new Error(
      `The tests need ${missing.map(([needed]) => needed).join(", ")}. ` +
        `On Debian, as root: apt-get install --no-install-recommends ${packages.join(" ")}`,
    );
  }
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  run("apt-get", ["update"], env);
  run("apt-get", ["install", "--yes", "--no-install-recommends", ...packages], env);
  for (const debianPackage of packages) {
    const service = SERVICES[debianPackage];
    if (service !== undefined) spawnSync("service", [service, "stop"]);
  }
}

function isInstalled(needed: string): boolean {
  return isAbsolute(needed) ? existsSync(needed) : isOnPath(needed);
}

function isOnPath(program: string): boolean {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return [...folders, SYSTEM_PROGRAMS].some((folder) => existsSync(join(folder, program)));
}
