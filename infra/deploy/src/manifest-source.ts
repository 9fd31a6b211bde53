import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { ManifestSource } from "./command.ts";
import { DeployError, ExitCode } from "./deploy-error.ts";
import { type Manifests, readManifests } from "./manifests.ts";

const ROOT = join(import.meta.dirname, "../../..");
const CHARTS = join(ROOT, "charts");

/**
 * The manifests that are asked for.
 * @throws DeployError
 */
export function loadManifests(source: ManifestSource): Manifests {
  switch (source.kind) {
    case "profile":
      return readManifests(profileFolder(source.profile));
    case "folder":
      return readManifests(source.folder);
    case "config":
      return synthesize(source.file, source.profile);
  }
}

function profileFolder(profile: string): string {
  const profiles = existsSync(CHARTS) ? readdirSync(CHARTS) : [];
  if (profiles.includes(profile)) return join(CHARTS, profile);
  const known = profiles.length === 0 ? "there are none" : `there are ${profiles.join(", ")}`;
  throw new DeployError(ExitCode.CONFIG, `there is no profile ${profile} in charts/: ${known}`);
}

function synthesize(file: string, profile: string | undefined): Manifests {
  const folder = mkdtempSync(join(tmpdir(), "pushcast-deploy-"));
  try {
    const args = ["--config", resolve(file), "--out", folder];
    if (profile !== undefined) args.push("--profile", profile);
    const { status, stdout, stderr } = spawnSync(
      "npm",
      ["run", "--silent", "synth", "--", ...args],
      {
        cwd: ROOT,
        encoding: "utf8",
      },
    );
    if (status === 0) return readManifests(folder);
    throw new DeployError(ExitCode.CONFIG, `${file} cannot be synthesized`, {
      details: `${stdout}${stderr}`.trim().split("\n"),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
