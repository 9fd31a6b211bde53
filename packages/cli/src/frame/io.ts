import type { Readable, Writable } from "node:stream";

/** A stream to a terminal has `isTTY`, and its size. */
export type TextStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command has of the world around it: that of the process, or a test's. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Environment;
  /**
   * Aborted when the user, or the reader of stdout, wants no more. Asked for by commands that do not
   * handle signals themselves; the reason is the exit code.
   */
  interruption(): AbortSignal;
}
