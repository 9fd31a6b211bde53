import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const ENTRY = fileURLToPath(new URL("../src/index.ts", import.meta.url));

/** Properties that get short names: they are in no frame, no option and nothing that an app is handed. */
export const INTERNAL_NAMES: readonly string[] = [
  ...["subscription", "hasPosition", "isAsked", "isOn", "heeds", "awaits", "requestId", "toRecord"],
  ...[
    "lastFrameAt",
    "isInDoubt",
    "livedMs",
    "welcomePosition",
    "isQueueing",
    "welcomed",
    "leaving",
  ],
  ...[
    "sayGap",
    "sayMessage",
    "endStreams",
    "isOver",
    "setState",
    "isSettled",
    "settled",
    "resuming",
  ],
  ...["onGone", "onState", "onFrame", "onEnd", "onDead", "finalEnd", "openSocket", "moveAfter"],
  ...["isAwaiting", "notAccepted", "accepted", "failed", "succeeded", "quietMs", "unanswered"],
];

/** The whole client as one ECMAScript module, for browsers without a bundler. Made from the source. */
export async function bundleClient(): Promise<string> {
  const bundle = await rolldown({ input: ENTRY, transform: { target: "es2022" } });
  const include = new RegExp(`^(${INTERNAL_NAMES.join("|")})$`);
  const minify = { compress: true, mangle: true, codegen: true, mangleProps: { include } };
  const { output } = await bundle.generate({ format: "esm", minify, comments: false });
  await bundle.close();
  return output[0].code;
}
