import { type LockedPackage, type LockFile, packagesBelow, packageUrl } from "./lock-file.ts";

type Licence = { readonly license: { readonly id: string } } | { readonly expression: string };

export interface Component {
  readonly type: "application" | "library";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly Licence[];
  readonly hashes?: readonly { readonly alg: "SHA-512"; readonly content: string }[];
}

/** The part of CycloneDX 1.6 that is used. https://cyclonedx.org/docs/1.6/json/ */
export interface BillOfMaterials {
  readonly $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json";
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.6";
  readonly version: 1;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** What these workspaces are made of, when they run. */
export function billOfMaterials(lock: LockFile, places: readonly string[]): BillOfMaterials {
  const whole = lock[""];
  if (whole?.name === undefined || whole.version === undefined) {
    throw new Error("the lock file does not say what it is of");
  }
  const root = packageUrl(whole.name, whole.version);
  const packages = packagesBelow(lock, places);
  const programs = places.map((place) => packageUrl(lock[place]?.name ?? "", whole.version ?? ""));
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": root,
        name: whole.name,
        version: whole.version,
        purl: root,
        licenses: licences(whole.license),
      },
    },
    components: Array.from(packages, ([url, each]) => component(url, each, programs)),
    dependencies: [
      { ref: root, dependsOn: [...programs].sort() },
      ...Array.from(packages, ([ref, { dependencies }]) => ({ ref, dependsOn: dependencies })),
    ],
  };
}

function component(url: string, locked: LockedPackage, programs: readonly string[]): Component {
  const { name, version, licence, integrity } = locked;
  return {
    type: programs.includes(url) ? "application" : "library",
    "bom-ref": url,
    name,
    version,
    purl: url,
    licenses: licences(licence),
    ...(integrity === undefined ? {} : { hashes: [hash(integrity)] }),
  };
}

function licences(expression: string | undefined): Licence[] {
  if (expression === undefined) return [];
  return [expression.includes(" ") ? { expression } : { license: { id: expression } }];
}

function hash(integrity: string): { alg: "SHA-512"; content: string } {
  const [algorithm, digest = ""] = integrity.split("-");
  if (algorithm !== "sha512") throw new Error(`${algorithm} is not a hash to rely on`);
  return { alg: "SHA-512", content: Buffer.from(digest, "base64").toString("hex") };
}
