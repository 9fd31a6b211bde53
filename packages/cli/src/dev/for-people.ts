import type { Service } from "@pushcast/runtime";
import { DEV_PORTS, FREE_PORTS } from "./ports.ts";
import { startProblem } from "./start-problem.ts";
import { createDevSystem, type DevReady } from "./system.ts";

export interface DevOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Any free ports instead of the usual ones. */
  readonly freePorts: boolean;
}

/**
 * The system as a person starts it: what that person can mend is said in words, and ends the
 * process.
 */
export function createDevForPeople({ env, freePorts }: DevOptions): Service<DevReady> {
  try {
    const system = createDevSystem({ env, ports: freePorts ? FREE_PORTS : DEV_PORTS });
    return { ...system, start: () => system.start().catch(explain) };
  } catch (error) {
    return explain(error);
  }
}

function explain(error: unknown): never {
  const problem = startProblem(error);
  if (problem === undefined) throw error;
  process.stderr.write(problem.text);
  process.exit(problem.exitCode);
}
