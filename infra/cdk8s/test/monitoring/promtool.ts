import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Promtool {
  readonly passed: boolean;
  /** What it wrote. */
  readonly output: string;
}

/**
 * Runs Prometheus's own checker in a folder with these files.
 * @param files contents by name. promtool reads YAML, of which JSON is a part.
 */
export function promtool(
  args: readonly string[],
  files: Readonly<Record<string, unknown>>,
): Promtool {
  const folder = mkdtempSync(join(tmpdir(), "pushcast-promtool-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, name), JSON.stringify(content));
    }
    const { error, status, stdout, stderr } = spawnSync("promtool", args, {
      cwd: folder,
      encoding: "utf8",
    });
    if (error !== undefined) throw error;
    return { passed: status === 0, output: `${stdout}${stderr}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
