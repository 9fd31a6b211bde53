import { createRequire } from "node:module";

const require = createRequire(new URL("../../peers/package.json", import.meta.url));

/** A library that `bench/install-peers.sh` installed: the product does not depend on it. */
export function loadPeer<Library>(packageName: string): Library {
  return require(packageName) as Library;
}
