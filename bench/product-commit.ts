import { execFileSync } from "node:child_process";

/** The last one that changed the product, with "+" where files were changed since. */
export function productCommit(): string {
  const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();
  const product = ["--", "packages", "services", "proto"];
  const isChanged = git("status", "--porcelain", ...product) !== "";
  return `${git("log", "-1", "--format=%h", ...product)}${isChanged ? "+" : ""}`;
}
