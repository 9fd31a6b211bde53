import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Built to be run: what the services of a version need. */
const SERVICES = ["services/push-manager", "services/connect-node"];
/** Makes git diff ignore comments and empty lines. */
const COMMENTS_IGNORED = "-I^ *(//|\n)";
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** The commit to compare with, or why there is none. */
export type PreviousCommit =
  | { readonly commit: string; readonly missing?: never }
  | { readonly commit?: never; readonly missing: string };

/**
 * The newest commit in the history of the checkout whose protos say something else than those of the
 * working tree; other comments alone do not count. So it is the last of the versions that may run
 * beside this one during an upgrade and speak differently, changes that are not committed yet included.
 *
 * @param root of the checkout; one that merely lies in a folder of another checkout has no history
 */
export function findPreviousCommit(root: string): PreviousCommit {
  const git = gitIn(root);
  const log = git(["log", "--topo-order", "--format=%H %P", "--", "proto"]);
  if (log.error !== undefined) return { missing: "git is not installed" };
  if (log.status !== 0) return { missing: "this is no checkout with a git history" };
  // The protos of a commit that changed them were other ones until its parent.
  const parents = log.stdout.split("\n").flatMap((line) => line.split(" ")[1] || []);
  for (const candidate of ["HEAD", ...parents]) {
    // Not --quiet: its status counts what is ignored, too.
    const diff = git(["diff", "--no-ext-diff", COMMENTS_IGNORED, candidate, "--", "proto"]);
    if (diff.status !== 0) throw new Error(`git diff ${candidate}: ${diff.stderr}`);
    if (diff.stdout === "") continue;
    const hasServices = SERVICES.every((service) => {
      return git(["cat-file", "-e", `${candidate}:${service}/src/main.ts`]).status === 0;
    });
    if (!hasServices) break;
    return { commit: git(["rev-parse", candidate]).stdout.trim() };
  }
  const isShallow = git(["rev-parse", "--is-shallow-repository"]).stdout.trim() === "true";
  return {
    missing: isShallow
      ? "this is a shallow clone, which ends before the protos were other ones"
      : "no earlier version with both services has other protos",
  };
}

/** The services of another version, built, in a folder of their own. */
export interface OtherVersion {
  /** Its root, as that of a checkout. */
  readonly folder: string;
  /** Deletes it. */
  remove(): void;
}

/**
 * Writes the files of a commit into a temporary folder and builds its services, with the packages that
 * are installed in this checkout: nothing is fetched, and the checkout stays as it is.
 *
 * @throws Error with what the compiler said
 */
export function buildCommit(root: string, commit: string): OtherVersion {
  const temporary = mkdtempSync(join(tmpdir(), "pushcast-previous-"));
  const folder = join(temporary, "tree");
  const remove = () => {
    process.off("exit", remove);
    rmSync(temporary, { recursive: true, force: true });
  };
  process.on("exit", remove);
  try {
    // An index of its own, for the checkout's must not change.
    const git = gitIn(root, { GIT_INDEX_FILE: join(temporary, "index") });
    succeed("git read-tree", git(["read-tree", commit]));
    succeed("git checkout-index", git(["checkout-index", "--all", `--prefix=${folder}/`]));
    linkPackages(root, folder);
    const tsc = join(folder, "node_modules/typescript/bin/tsc");
    const build = run(process.execPath, [tsc, "-b", ...SERVICES], folder);
    succeed(`the build of ${commit} with the packages of this version`, build);
    return { folder, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Gives `folder` the packages that are installed in `root`, but those of the workspace from `folder`. */
function linkPackages(root: string, folder: string): void {
  const installed = join(root, "node_modules");
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@pushcast"), { recursive: true });
  for (const name of readdirSync(installed)) {
    if (name !== "@pushcast") symlinkSync(join(installed, name), join(modules, name));
  }
  for (const group of ["packages", "services"]) {
    for (const name of readdirSync(join(folder, group))) {
      const workspace = join(folder, group, name);
      const manifest = join(workspace, "package.json");
      if (!existsSync(manifest)) continue;
      symlinkSync(workspace, join(modules, JSON.parse(readFileSync(manifest, "utf8")).name));
    }
  }
}

/** Runs git in a checkout, whatever git's settings are here and whoever owns the files. */
function gitIn(root: string, env: NodeJS.ProcessEnv = {}) {
  const settings = {
    GIT_CEILING_DIRECTORIES: dirname(root),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_OPTIONAL_LOCKS: "0",
    LC_ALL: "C",
  };
  return (args: readonly string[]) =>
    run("git", ["-c", `safe.directory=${root}`, ...args], root, { ...settings, ...env });
}

function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
  return spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { PATH: process.env.PATH, ...env },
    maxBuffer: MAX_OUTPUT_BYTES,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function succeed(what: string, result: ReturnType<typeof run>): void {
  const { error, status, stdout, stderr } = result;
  if (error !== undefined || status !== 0) {
    throw new Error(`${what} failed: ${error?.message ?? ""}${stdout}${stderr}`);
  }
}
