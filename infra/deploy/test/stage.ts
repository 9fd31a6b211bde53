import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCommandLine } from "../src/command-line.ts";
import { DeployError } from "../src/deploy-error.ts";
import { runCommand } from "../src/run-command.ts";
import { KubeServer } from "./kube-server.ts";
import { SkippingClock } from "./skipping-clock.ts";
import { type Files, SYSTEM, writeManifests } from "./system.ts";

/** What a run of the command has come to. */
export interface Run {
  readonly exitCode: number;
  readonly lines: readonly string[];
  /** What goes to stderr: the message, and its details. */
  readonly error: readonly string[];
}

/** A server, a kubeconfig for it and a folder for manifests: what a test of a command needs. */
export class Stage {
  readonly server: KubeServer;
  readonly folder: string;
  /** A file; a test may name another one. */
  kubeconfig: string;

  private constructor(server: KubeServer) {
    this.server = server;
    this.folder = mkdtempSync(join(tmpdir(), "pushcast-deploy-test-"));
    this.kubeconfig = server.writeKubeconfig(this.folder);
  }

  static async open(): Promise<Stage> {
    return new Stage(await KubeServer.start());
  }

  async close(): Promise<void> {
    rmSync(this.folder, { recursive: true });
    await this.server.close();
  }

  /** Applies manifests, in this process and without waiting for the time that passes. */
  apply(files: Files = SYSTEM, ...options: readonly string[]): Promise<Run> {
    return this.run("apply", "--manifests", writeManifests(this.folder, files), ...options);
  }

  /** Runs the command in this process. */
  async run(...args: readonly string[]): Promise<Run> {
    const lines: string[] = [];
    try {
      const exitCode = await runCommand(readCommandLine(args), {
        env: { KUBECONFIG: this.kubeconfig },
        clock: new SkippingClock(),
        print: (line) => lines.push(line),
      });
      return { exitCode, lines, error: [] };
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      return { exitCode: error.exitCode, lines, error: [error.message, ...error.details] };
    }
  }
}
