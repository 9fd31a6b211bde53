import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../frame/cli-error.ts";
import type { Context } from "../frame/command.ts";
import { EXIT_CODES, type ExitCode } from "../frame/exit-codes.ts";
import { Screen } from "../frame/screen.ts";
import { withManager } from "./manager-client.ts";
import type { ManagerOptionValues } from "./manager-options.ts";
import { nodesJson, nodesWords } from "./nodes-words.ts";

/**
 * Shows the nodes again and again, until it is interrupted. A push-manager that was there and is gone
 * is said, and asked again.
 * @throws CliError if it cannot be reached in the first place
 */
export async function watchNodes(
  options: ManagerOptionValues,
  context: Context,
  everyMs: number,
): Promise<ExitCode> {
  const { output, signal } = context;
  const screen = new Screen(output);
  let isFirst = true;
  while (!signal.aborted) {
    try {
      const list = await withManager(options, context, (client) => client.listNodes({ signal }));
      const words = () => nodesWords(list, output, Date.now());
      if (output.isLive) screen.show(words());
      else output.result(nodesJson(list), words);
      isFirst = false;
    } catch (error) {
      if (signal.aborted) break;
      if (isFirst || !(error instanceof CliError)) throw error;
      if (output.isLive) screen.show([output.style("red", error.message)]);
      else output.error(error);
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
  return EXIT_CODES.ok;
}
