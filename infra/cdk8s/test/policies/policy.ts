import type { Manifest } from "../support/manifests.ts";

/** What must hold of the manifests of an installation. */
export interface Policy {
  /** A sentence that is true of good manifests. */
  readonly name: string;
  /** Each violation, with the object's name in it. */
  violations(manifests: readonly Manifest[]): string[];
}
