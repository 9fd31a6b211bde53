import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const ENTRY = fileURLToPath(new URL("../src/index.ts", import.meta.url));

/** The whole client as one ECMAScript module, for browsers without a bundler. Made from the source. */
export async function bundleClient(): Promise<string> {
  const bundle = await rolldown({ input: ENTRY, transform: { target: "es2022" } });
  const { output } = await bundle.generate({ format: "esm", minify: true, comments: false });
  await bundle.close();
  return output[0].code;
}
