import { setTimeout as sleep } from "node:timers/promises";
import type { ClockSample } from "../clock-offset.ts";
import type { DialTls } from "./dial.ts";
import { httpGet } from "./http.ts";

/** At different parts of a second, so that whole seconds tell the time to about 200 ms. */
const LOOKS = 5;
const APART_MS = 190;

/** Looks at a server's clock by the `Date` of its answers. What fails is left out. */
export async function clockSamples(
  url: string,
  options: { readonly timeoutMs: number; readonly tls?: DialTls },
): Promise<ClockSample[]> {
  const looks = Array.from({ length: LOOKS }, async (_, index) => {
    await sleep(index * APART_MS);
    return (await httpGet(url, options)).clock;
  });
  const settled = await Promise.allSettled(looks);
  return settled.flatMap((look) => (look.status === "fulfilled" ? (look.value ?? []) : []));
}
