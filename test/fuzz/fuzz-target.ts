import type { RandomInput } from "./random-input.ts";

/** Something that takes whatever comes. */
export interface FuzzTarget {
  readonly name: string;
  /** Its part of all inputs of a run. */
  readonly share: number;
  /** Inputs that are given at once; then it is asked whether all is well. */
  readonly batch: number;
  open(): Promise<OpenTarget>;
}

export interface OpenTarget {
  /**
   * Gives it one input.
   * @throws Error if it answers what it should not
   */
  give(input: RandomInput): void | Promise<void>;
  /**
   * Looks whether it still serves others, who were told nothing that is not theirs.
   * @throws Error if not
   */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** @throws Error that names what is wrong */
export function must(isRight: boolean, what: string): void {
  if (!isRight) throw new Error(what);
}
