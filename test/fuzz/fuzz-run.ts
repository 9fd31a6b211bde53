import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { within } from "../support/until.ts";
import type { FuzzTarget, OpenTarget } from "./fuzz-target.ts";
import { RandomInput } from "./random-input.ts";

/** A batch, or the look at the target after it, that takes longer hangs. */
const HANGS_AFTER_MS = 20_000;
/** What is warm, cached and kept for a time is there after this part of a run. */
const WARM_SHARE = 0.3;
const MAX_GROWTH_BYTES = 16 * 1024 * 1024;

export interface FuzzFailure {
  /** Of the one input; or of the first of the batch, if nobody can tell which it was. */
  readonly seed: number;
  readonly inputs: number;
  readonly problem: string;
}

export interface FuzzResult {
  readonly target: string;
  readonly inputs: number;
  readonly seconds: number;
  /** How much more memory was held at the end than when it was warm. */
  readonly grownBytes: number;
  readonly failure: FuzzFailure | undefined;
}

/**
 * Gives a target so many inputs, with seeds from `seed` on: a single one is repeated by its own seed.
 * It ends with the first failure.
 */
export async function fuzz(target: FuzzTarget, seed: number, inputs: number): Promise<FuzzResult> {
  const startedAtMs = performance.now();
  const open = await target.open();
  let given = 0;
  let warmBytes: number | undefined;
  let failure: FuzzFailure | undefined;
  try {
    while (given < inputs && failure === undefined) {
      const size = Math.min(target.batch, inputs - given);
      failure = await giveBatch(open, seed + given, size);
      given += size;
      if (given >= inputs * WARM_SHARE) warmBytes ??= heldBytes();
    }
    const grownBytes = heldBytes() - (warmBytes ?? 0);
    if (failure === undefined && grownBytes > MAX_GROWTH_BYTES) {
      failure = { seed, inputs, problem: `memory has grown by ${grownBytes} bytes` };
    }
    const seconds = (performance.now() - startedAtMs) / 1000;
    return { target: target.name, inputs: given, seconds, grownBytes, failure };
  } finally {
    await open.close();
  }
}

async function giveBatch(
  open: OpenTarget,
  seed: number,
  size: number,
): Promise<FuzzFailure | undefined> {
  try {
    const seeds = Array.from({ length: size }, (_, n) => seed + n);
    const failures = await within(
      HANGS_AFTER_MS,
      "the end of a batch",
      Promise.all(seeds.map((one) => giveOne(open, one))),
    );
    const failure = failures.find((one) => one !== undefined);
    if (failure !== undefined) return failure;
    await within(HANGS_AFTER_MS, "service beside it", open.check());
    return undefined;
  } catch (error) {
    return { seed, inputs: size, problem: problemOf(error) };
  }
}

async function giveOne(open: OpenTarget, seed: number): Promise<FuzzFailure | undefined> {
  try {
    await open.give(new RandomInput(seed));
    return undefined;
  } catch (error) {
    return { seed, inputs: 1, problem: problemOf(error) };
  }
}

function problemOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
