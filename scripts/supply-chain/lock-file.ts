import { readFileSync } from "node:fs";
import { posix } from "node:path";

/** A package as `package-lock.json` has it, by the place below which npm puts it. */
interface LockEntry {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  /** `sha512-` and the digest of what the registry gave, in base64. */
  readonly integrity?: string;
  /** Whether this is a link to the place that {@link resolved} names. */
  readonly link?: boolean;
  readonly resolved?: string;
  /** Only for building and testing. */
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Entries by their place: `services/connect-node`, `node_modules/ws`. */
export type LockFile = Readonly<Record<string, LockEntry>>;

/** A package that something is made of. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression; undefined where the package has none. */
  readonly licence: string | undefined;
  readonly integrity: string | undefined;
  readonly hasInstallScript: boolean;
  /** Whether it is of this repository. */
  readonly isOwn: boolean;
  /** The {@link packageUrl}s of those that it asks for. */
  readonly dependencies: readonly string[];
}

const MODULES = "node_modules/";

export function readLockFile(path: string): LockFile {
  return JSON.parse(readFileSync(path, "utf8")).packages;
}

/** The places of the workspaces: all that is not below a `node_modules`. */
export function workspaces(lock: LockFile): string[] {
  return Object.keys(lock).filter((place) => place !== "" && !place.includes(MODULES));
}

/** `pkg:npm/%40scope/name@1.2.3`: the name of a version of a package for tools of all kinds. */
export function packageUrl(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/**
 * Everything that runs where these workspaces run: they, and what they ask for but to be built and tested,
 * and what that asks for. By package URL, in its order.
 * @throws Error if the lock file lacks a workspace or a package that must be there
 */
export function packagesBelow(
  lock: LockFile,
  places: readonly string[],
): ReadonlyMap<string, LockedPackage> {
  const found = new Map<string, LockedPackage>();
  const seen = new Set<string>();
  const waiting = [...places];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (seen.has(place)) continue;
    seen.add(place);
    const entry = lock[place];
    if (entry === undefined) throw new Error(`the lock file has no ${place}`);
    const below = placesBelow(lock, place, entry);
    waiting.push(...below);
    const { name, version } = identify(lock, place);
    const url = packageUrl(name, version);
    // The same version may stand in several places, where it finds others of its own.
    const dependencies = new Set(found.get(url)?.dependencies);
    for (const each of below) {
      const { name, version } = identify(lock, each);
      dependencies.add(packageUrl(name, version));
    }
    found.set(url, {
      name,
      version,
      licence: entry.license,
      integrity: entry.integrity,
      hasInstallScript: entry.hasInstallScript === true,
      isOwn: !place.includes(MODULES),
      dependencies: [...dependencies].sort(),
    });
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function identify(lock: LockFile, place: string): { name: string; version: string } {
  const { name, version } = lock[place] ?? {};
  if (version === undefined) throw new Error(`${place} has no version in the lock file`);
  return { name: name ?? place.slice(place.lastIndexOf(MODULES) + MODULES.length), version };
}

function placesBelow(lock: LockFile, place: string, entry: LockEntry): string[] {
  const needed = Object.keys(entry.dependencies ?? {}).map((name) => {
    const found = resolve(lock, place, name);
    if (found === undefined) throw new Error(`${place} asks for ${name}, which is not locked`);
    return found;
  });
  // Those for another platform, and peers that are optional, may be missing.
  const names = { ...entry.optionalDependencies, ...entry.peerDependencies };
  const others = Object.keys(names).flatMap((name) => resolve(lock, place, name) ?? []);
  return [...needed, ...others];
}

/** Where Node finds a package from a place: below it, or below the nearest folder above. */
function resolve(lock: LockFile, place: string, name: string): string | undefined {
  for (let folder = place; ; folder = posix.dirname(folder)) {
    const candidate = posix.join(folder, MODULES, name);
    const entry = lock[candidate];
    if (entry?.link === true) return entry.resolved;
    if (entry !== undefined) return candidate;
    if (folder === ".") return undefined;
  }
}
