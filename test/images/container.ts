import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import type { ProgramName } from "../../infra/images/src/bundle.ts";
import type { Settings } from "../support/processes.ts";
import { within } from "../support/until.ts";
import type { Images } from "./images.ts";

const READY_WITHIN_MS = 20_000;
/** Then podman kills it, and it ends with 137. */
const STOPS_WITHIN_SECONDS = 20;

/** What Pod Security "restricted" and a read-only root file system mean to a container. */
const RESTRICTED = [
  "--read-only",
  "--read-only-tmpfs=false",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
  "--memory=256m",
];

/** Podman's own default is more than a root without the right to raise limits may give. */
const LIMITS = ["--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"];

/** Its one line on stdout. */
export interface ReadyLine {
  readonly msg: string;
  readonly service: string;
  readonly ports: Readonly<Record<string, number>>;
}

export interface Exit {
  readonly code: number | null;
  readonly stderr: string;
}

export interface ContainerOptions {
  /** @default none */
  readonly settings?: Settings;
  /** Podman's name for it. @default the machine's own */
  readonly network?: string;
  /** Files that it may read, by their places in the container. @default none */
  readonly files?: Readonly<Record<string, string>>;
}

/** A program that runs from its image. */
export class Container {
  /** Resolves when it has ended. */
  readonly exited: Promise<Exit>;
  readonly #firstLine: Promise<string>;
  readonly #images: Images;
  readonly #name: string;

  constructor(images: Images, program: ProgramName, options: ContainerOptions = {}) {
    const { settings = {}, network = "host", files = {} } = options;
    this.#images = images;
    this.#name = `pushcast-${program}-${randomUUID()}`;
    const env = Object.entries(settings).map(([name, value]) => `--env=${name}=${value}`);
    const volumes = Object.entries(files).map(([place, file]) => `--volume=${file}:${place}:ro`);
    const flags = [
      ...RESTRICTED,
      ...LIMITS,
      ...env,
      ...volumes,
      `--network=${network}`,
      `--name=${this.#name}`,
    ];
    const podman = spawn(
      "podman",
      ["--runtime=runc", "run", "--rm", ...flags, images.nameOf(program)],
      {
        stdio: ["ignore", "pipe", "pipe"],
        env: images.env,
      },
    );
    const stderr = text(podman.stderr);
    this.#firstLine = once(createInterface(podman.stdout), "line").then(([line]) => line);
    this.exited = once(podman, "close").then(async ([code]) => ({ code, stderr: await stderr }));
    process.once("exit", this.#removeNow);
  }

  /** Rejects if it ends before. */
  async ready(): Promise<ReadyLine> {
    const ended = this.exited.then(({ code, stderr }) => {
      throw new Error(`${this.#name} ended with ${code} before it was ready: ${stderr}`);
    });
    const line = Promise.race([this.#firstLine, ended]);
    return JSON.parse(await within(READY_WITHIN_MS, `ready line of ${this.#name}`, line));
  }

  /** Sends SIGTERM, as Kubernetes does. */
  async stop(): Promise<Exit> {
    await this.#images.podman("stop", `--time=${STOPS_WITHIN_SECONDS}`, this.#name);
    return await this.exited;
  }

  /** What a script of its own Node prints, run beside the program. */
  async evaluate(script: string): Promise<string> {
    return await this.#images.podman("exec", this.#name, "node", "--eval", script);
  }

  /** Ends it at once, if it has not ended. */
  async remove(): Promise<void> {
    process.off("exit", this.#removeNow);
    await this.#images.podman("rm", "--force", "--ignore", "--time=0", this.#name);
    await this.exited;
  }

  readonly #removeNow = () => {
    const args = ["rm", "--force", "--ignore", "--time=0", this.#name];
    spawnSync("podman", args, { env: this.#images.env });
  };
}
