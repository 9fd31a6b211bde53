import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { ProgramName } from "../../infra/images/src/bundle.ts";

const ROOT = join(import.meta.dirname, "../..");
const TAG = "test";
/** Programs, which are all Debian packages of the same name. */
const NEEDED = ["buildah", "podman", "runc"];

const run = promisify(execFile);

/** What an image says of how it is to be run. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly ExposedPorts: Readonly<Record<string, unknown>>;
  readonly Labels: Readonly<Record<string, string>>;
}

/** The images of all programs, built from this checkout into a storage of their own. */
export class Images {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Builds them on the base image that `BASE` names in the environment, or on one that is made from
   * Debian's packages, for that needs no registry of images.
   *
   * @throws Error with what the builder printed, or what is not installed
   */
  static async build(): Promise<Images> {
    const missing = NEEDED.filter((program) => !isOnPath(program));
    if (missing.length > 0) {
      throw new Error(
        `The tests of the images need ${missing.join(", ")} on the PATH. On Debian, as root: ` +
          `apt-get install --no-install-recommends ${missing.join(" ")}`,
      );
    }
    const images = new Images(await mkdtemp(join(tmpdir(), "pushcast-images-")));
    try {
      await images.#build();
    } catch (error) {
      await images.remove();
      throw error;
    }
    return images;
  }

  async #build(): Promise<void> {
    const storage = {
      driver: await podman(process.env, "info", "--format={{.Store.GraphDriverName}}"),
      graphroot: join(this.#folder, "graph"),
      runroot: join(this.#folder, "run"),
    };
    const settings = Object.entries(storage).map(([name, value]) => `${name} = "${value}"\n`);
    await writeFile(this.#storageConf, `[storage]\n${settings.join("")}`);
    const base = process.env.BASE ?? (await this.#script("local-base-image.sh"));
    await this.#script("build-images.sh", "--tag", TAG, "--base", base);
  }

  async #script(name: string, ...flags: readonly string[]): Promise<string> {
    const script = join(ROOT, "scripts", name);
    // chroot asks for no rights that the build itself does not need.
    const env = { BUILDAH_ISOLATION: "chroot", ...this.env };
    const { stdout } = await run(script, ["--engine", "buildah", ...flags], { env });
    return stdout.trim();
  }

  /** In which podman finds the images. */
  get env(): NodeJS.ProcessEnv {
    return { ...process.env, CONTAINERS_STORAGE_CONF: this.#storageConf };
  }

  get #storageConf(): string {
    return join(this.#folder, "storage.conf");
  }

  nameOf(program: ProgramName): string {
    return `localhost/pushcast/${program}:${TAG}`;
  }

  async configOf(program: ProgramName): Promise<ImageConfig> {
    const json = await this.podman("image", "inspect", this.nameOf(program));
    return JSON.parse(json)[0].Config;
  }

  /** What podman prints. */
  podman(...args: readonly string[]): Promise<string> {
    return podman(this.env, ...args);
  }

  /** Leaves nothing behind. Their containers must be gone. */
  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function podman(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run("podman", args, { env });
  return stdout.trim();
}

function isOnPath(program: string): boolean {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}
