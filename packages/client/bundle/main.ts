/** Writes `dist/pushcast.min.js`. */
import { writeFileSync } from "node:fs";
import { bundleClient } from "./bundle.ts";

writeFileSync(new URL("../dist/pushcast.min.js", import.meta.url), await bundleClient());
