import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PROGRAM_PLACES } from "../../infra/images/src/bundle.ts";
import {
  type BillOfMaterials,
  billOfMaterials,
} from "../../scripts/supply-chain/bill-of-materials.ts";
import { isAllowed, licencesTable } from "../../scripts/supply-chain/licences.ts";
import {
  type LockFile,
  packagesBelow,
  readLockFile,
  workspaces,
} from "../../scripts/supply-chain/lock-file.ts";
import { ROOT } from "./files.ts";

const LOCK = readLockFile(join(ROOT, "package-lock.json"));
const IN_PRODUCTION = packagesBelow(LOCK, workspaces(LOCK));

/** A program that asks for packages of these licences. */
function lockOf(licences: Readonly<Record<string, string | undefined>>): LockFile {
  const dependencies = Object.fromEntries(Object.keys(licences).map((name) => [name, "*"]));
  const packages = Object.entries(licences).map(([name, license]) => [
    `node_modules/${name}`,
    { version: "1.0.0", ...(license === undefined ? {} : { license }) },
  ]);
  return {
    "": { name: "whole", version: "1.0.0" },
    program: { name: "program", version: "1.0.0", dependencies },
    ...Object.fromEntries(packages),
  };
}

describe("the lock file", () => {
  test("has a digest of every package that the registry gives", () => {
    const without = Object.entries(LOCK).filter(
      ([place, { link, integrity, ...entry }]) =>
        place.includes("node_modules/") &&
        link !== true &&
        !("inBundle" in entry) &&
        integrity?.startsWith("sha512-") !== true,
    );
    expect(without).toEqual([]);
  });

  test("has no package of an address of its own, but those of this repository", () => {
    const elsewhere = Object.values(LOCK).filter(
      ({ resolved, link }) => resolved !== undefined && link !== true,
    );
    expect(elsewhere).toEqual([]);
  });

  test("leads from a package to what it finds itself, in the place that is nearest", () => {
    const lock: LockFile = {
      program: { name: "program", version: "1.0.0", dependencies: { a: "*", b: "*" } },
      "node_modules/a": { version: "1.0.0", dependencies: { b: "^1" } },
      "node_modules/b": { version: "2.0.0", peerDependencies: { missing: "*" } },
      "node_modules/a/node_modules/b": { version: "1.0.0", optionalDependencies: { c: "*" } },
      "node_modules/c": { version: "3.0.0" },
      "node_modules/unused": { version: "1.0.0" },
    };
    const packages = packagesBelow(lock, ["program"]);

    expect([...packages.keys()]).toEqual([
      "pkg:npm/a@1.0.0",
      "pkg:npm/b@1.0.0",
      "pkg:npm/b@2.0.0",
      "pkg:npm/c@3.0.0",
      "pkg:npm/program@1.0.0",
    ]);
    expect(packages.get("pkg:npm/a@1.0.0")?.dependencies).toEqual(["pkg:npm/b@1.0.0"]);
    expect(packages.get("pkg:npm/program@1.0.0")?.dependencies).toEqual([
      "pkg:npm/a@1.0.0",
      "pkg:npm/b@2.0.0",
    ]);
  });

  test("that lacks a package is refused", () => {
    const lock = { program: { version: "1.0.0", dependencies: { a: "*" } } };
    expect(() => packagesBelow(lock, ["program"])).toThrow(
      "program asks for a, which is not locked",
    );
    expect(() => packagesBelow(lock, ["other"])).toThrow("the lock file has no other");
  });
});

describe("install scripts", () => {
  /** Its script only compares how versions are written in the package.json of who asks for it. */
  const NEEDLESS = ["protobufjs"];

  test("of what runs in production are none that anything needs", () => {
    const having = Array.from(IN_PRODUCTION.values())
      .filter(({ hasInstallScript }) => hasInstallScript)
      .map(({ name }) => name);
    expect(having).toEqual(NEEDLESS);
  });

  test("are not run, here or in the images' builds", () => {
    expect(readFileSync(join(ROOT, ".npmrc"), "utf8")).toMatch(/^ignore-scripts=true$/m);
    expect(readFileSync(join(ROOT, ".dockerignore"), "utf8")).toMatch(/^!\.npmrc$/m);
  });
});

describe("licences", () => {
  test("of all that runs in production are on the list", () => {
    expect(() => licencesTable(IN_PRODUCTION.values())).not.toThrow();
  });

  test("are listed in docs/licences.md, which has every package", () => {
    const page = readFileSync(join(ROOT, "docs/licences.md"), "utf8");
    expect(page).toContain(licencesTable(IN_PRODUCTION.values()));
    const rows = page.match(/^\| [^-].* \|$/gm) ?? [];
    const others = [...IN_PRODUCTION.values()].filter(({ isOwn }) => !isOwn);
    expect(rows).toHaveLength(others.length + 1);
    expect(others.length).toBeGreaterThan(100);
  });

  test.each([
    ["MIT", true],
    ["(Apache-2.0 AND BSD-3-Clause)", true],
    ["(GPL-3.0-only OR MIT)", true],
    ["MIT AND GPL-3.0-only", false],
    ["AGPL-3.0-only", false],
    ["SEE LICENSE IN LICENSE", false],
    ["", false],
  ])("%j: %s", (expression, allowed) => {
    expect(isAllowed(expression)).toBe(allowed);
  });

  test("that are not on it are refused, all by name", () => {
    const packages = packagesBelow(lockOf({ a: "GPL-3.0-only", b: "MIT", c: undefined }), [
      "program",
    ]);
    expect(() => licencesTable(packages.values())).toThrow(
      "a 1.0.0 is under GPL-3.0-only\nc 1.0.0 is under no licence that it names",
    );
  });
});

describe("the bill of materials", () => {
  const bill = billOfMaterials(LOCK, PROGRAM_PLACES);
  const refs = bill.components.map((component) => component["bom-ref"]);

  test("has what CycloneDX asks for", () => {
    expect(bill).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 });
    for (const { type, name, version, purl, licenses } of bill.components) {
      expect(["application", "library"]).toContain(type);
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
      expect(purl).toBe(`pkg:npm/${name.replace("@", "%40")}@${version}`);
      expect(licenses, name).toHaveLength(1);
    }
  });

  test("refers to each component by a name of its own, and to none that it has not", () => {
    expect(new Set(refs).size).toBe(refs.length);
    const known = new Set([...refs, bill.metadata.component["bom-ref"]]);
    const referred = bill.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
    expect(referred.filter((ref) => !known.has(ref))).toEqual([]);
    expect(bill.dependencies).toHaveLength(refs.length + 1);
  });

  test("has every package that the services import, with the digest of what the registry gave", () => {
    for (const program of PROGRAM_PLACES) {
      const { dependencies } = JSON.parse(
        readFileSync(join(ROOT, program, "package.json"), "utf8"),
      );
      for (const name of Object.keys(dependencies)) expect(namesOf(bill)).toContain(name);
    }
    const foreign = bill.components.filter(({ name }) => !name.startsWith("@pushcast/"));
    for (const { hashes = [], name } of foreign) {
      expect(hashes, name).toEqual([
        { alg: "SHA-512", content: expect.stringMatching(/^[0-9a-f]{128}$/) },
      ]);
    }
  });

  test("has nothing that only tests or builds need", () => {
    expect(
      namesOf(bill).filter((name) => ["vitest", "typescript", "esbuild"].includes(name)),
    ).toEqual([]);
  });

  test("is written by `npm run sbom`, with the same bytes each time", () => {
    const write = () =>
      execFileSync("npm", ["run", "--silent", "sbom"], { cwd: ROOT, stdio: "pipe" });
    const first = write().toString();

    expect(JSON.parse(first)).toEqual(bill);
    expect(write().toString()).toBe(first);
  });
});

function namesOf(bill: BillOfMaterials): string[] {
  return bill.components.map(({ name }) => name);
}
