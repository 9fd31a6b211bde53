import type { Service } from "@pushcast/runtime";
import type { Environment } from "../frame/io.ts";
import type { Output } from "../frame/output.ts";
import { DEV_PORTS, FREE_PORTS } from "./ports.ts";
import { startProblem } from "./start-problem.ts";
import { createDevSystem, type DevReady } from "./system.ts";

export interface DevOptions {
  readonly env: Environment;
  /** Any free ports instead of the usual ones. */
  readonly freePorts: boolean;
  readonly output: Output;
}

/**
 * The system as a person starts it: what that person can mend is said in words, and ends the
 * process.
 */
export function createDevForPeople({ env, freePorts, output }: DevOptions): Service<DevReady> {
  const explain = (error: unknown): never => {
    const problem = startProblem(error);
    if (problem === undefined) throw error;
    output.error(problem);
    process.exit(problem.exitCode);
  };
  try {
    const { notHeeded, ...system } = createDevSystem({
      env,
      ports: freePorts ? FREE_PORTS : DEV_PORTS,
    });
    if (notHeeded.length > 0) {
      output.warning(
        `pushcast dev does not heed ${notHeeded.join(", ")}: it believes everybody, and only this machine reaches it. To try tokens start a manager and a node by hand (docs/operations.md, Who a client is).`,
      );
    }
    return { ...system, start: () => system.start().catch(explain) };
  } catch (error) {
    return explain(error);
  }
}
