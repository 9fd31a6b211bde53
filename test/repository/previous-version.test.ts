import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { findPreviousCommit } from "../support/previous-version.ts";

const HAS_GIT = spawnSync("git", ["--version"]).status === 0;

const SERVICES = {
  "services/push-manager/src/main.ts": "",
  "services/connect-node/src/main.ts": "",
};

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pushcast-history-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A checkout with a history that a test makes. */
class Checkout {
  readonly root = temporaryFolder();

  constructor() {
    this.git("init", "--quiet");
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, path)), { recursive: true });
      writeFileSync(join(this.root, path), text);
    }
  }

  /** Gives the commit's id. */
  commit(files: Readonly<Record<string, string>>): string {
    this.write(files);
    this.git("add", "--all");
    this.git("-c", "user.name=t", "-c", "user.email=t@t.test", "commit", "--quiet", "-m", "change");
    return this.git("rev-parse", "HEAD");
  }

  git(...args: readonly string[]): string {
    const env = {
      PATH: process.env.PATH,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
    };
    const { status, stdout, stderr } = spawnSync("git", args, {
      cwd: this.root,
      encoding: "utf8",
      env,
    });
    if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }
}

describe.runIf(HAS_GIT)("the commit to compare with", () => {
  test("is the last one before the protos changed", () => {
    const checkout = new Checkout();
    checkout.commit({ ...SERVICES, "proto/a.proto": "one" });
    const last = checkout.commit({ "README.md": "one" });
    checkout.commit({ "proto/a.proto": "two" });
    checkout.commit({ "README.md": "two" });
    expect(findPreviousCommit(checkout.root)).toEqual({ commit: last });
  });

  test("is HEAD where the change is not committed yet", () => {
    const checkout = new Checkout();
    checkout.commit({ ...SERVICES, "proto/a.proto": "one" });
    const head = checkout.commit({ "proto/a.proto": "two" });
    checkout.write({ "proto/a.proto": "three" });
    expect(findPreviousCommit(checkout.root)).toEqual({ commit: head });
  });

  test("is not one that differs in comments, or one with the same protos before a detour", () => {
    const checkout = new Checkout();
    const last = checkout.commit({ ...SERVICES, "proto/a.proto": "zero\n" });
    checkout.commit({ "proto/a.proto": "one\n  // A comment.\n" });
    checkout.commit({ "proto/a.proto": "one\n\n  // Another comment.\n" });
    expect(findPreviousCommit(checkout.root)).toEqual({ commit: last });

    const detour = checkout.commit({ "proto/a.proto": "two\n" });
    checkout.commit({ "proto/a.proto": "one\n" });
    expect(findPreviousCommit(checkout.root)).toEqual({ commit: detour });
    const status = checkout.git("status", "--porcelain");
    expect(status).toBe("");
  });

  test("is missing where the protos never changed since there are services", () => {
    const checkout = new Checkout();
    checkout.commit({ "proto/a.proto": "one" });
    checkout.commit({ "proto/a.proto": "two", ...SERVICES });
    expect(findPreviousCommit(checkout.root).missing).toMatch(/no earlier version/);
  });

  test("is missing in a shallow clone that ends before", () => {
    const checkout = new Checkout();
    checkout.commit({ ...SERVICES, "proto/a.proto": "one" });
    checkout.commit({ "proto/a.proto": "two" });
    const clone = new Checkout();
    clone.git("fetch", "--quiet", "--depth=1", `file://${checkout.root}`, "HEAD");
    clone.git("reset", "--quiet", "--hard", "FETCH_HEAD");
    expect(findPreviousCommit(clone.root).missing).toMatch(/shallow clone/);
  });

  test("is missing in files without a history, also within another checkout", () => {
    const outer = new Checkout();
    outer.commit({ ...SERVICES, "proto/a.proto": "one" });
    outer.commit({ "proto/a.proto": "two" });
    const root = join(outer.root, "copy");
    mkdirSync(root);
    expect(findPreviousCommit(root).missing).toMatch(/no checkout/);
  });
});
