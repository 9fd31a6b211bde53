import { nameOf, ofKind } from "../support/manifests.ts";
import type { Policy } from "./policy.ts";

/** By it, all that was ever applied is found again. */
export const objectsAreLabelled: Policy = {
  name: "every object says that it is a part of pushcast",
  violations: (manifests) =>
    manifests
      .filter(({ metadata }) => metadata?.labels?.["app.kubernetes.io/part-of"] !== "pushcast")
      .map((manifest) => `${nameOf(manifest)} does not`),
};

export const objectsAreInOneNamespace: Policy = {
  name: "every object is in the one namespace",
  violations: (manifests) => {
    const [namespace] = ofKind(manifests, "Namespace");
    const expected = namespace?.metadata?.name ?? manifests[0]?.metadata?.namespace;
    return manifests
      .filter((manifest) =>
        manifest.kind === "Namespace"
          ? manifest.metadata?.namespace !== undefined
          : manifest.metadata?.namespace !== expected,
      )
      .map((manifest) => `${nameOf(manifest)} is in ${manifest.metadata?.namespace}`);
  },
};

export const objectsHaveOneNameEach: Policy = {
  name: "no two objects of a kind have the same name",
  violations: (manifests) => {
    const names = manifests.map(nameOf);
    return names.filter((name, index) => names.indexOf(name) !== index);
  },
};
