import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { CliError } from "./cli-error.ts";
import { EXIT_CODES } from "./exit-codes.ts";

const IN_WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a folder",
  EEXIST: "it is there already",
  ENOTDIR: "a part of its path is no folder",
};

/**
 * @param option by which it was named, for the error
 * @throws CliError
 */
export function readFile(path: string, option: string, hint?: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CliError({
      code: "FILE_UNREADABLE",
      message: `cannot read ${path} (${option}): ${reason(error)}`,
      exitCode: EXIT_CODES.noInput,
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/**
 * A new file that only its owner may read; never written over one that is there.
 * @throws CliError
 */
export function createSecretFile(path: string, option: string, content: string): void {
  createFile(path, option, content, 0o600);
}

/** A new file that everybody may read. @throws CliError */
export function createPublicFile(path: string, option: string, content: string): void {
  createFile(path, option, content, 0o644);
}

function createFile(path: string, option: string, content: string, mode: number): void {
  try {
    writeFileSync(path, content, { mode, flag: "wx" });
  } catch (error) {
    throw new CliError({
      code: "FILE_NOT_CREATED",
      message: `cannot create ${resolve(path)} (${option}): ${reason(error)}`,
      exitCode: EXIT_CODES.cannotCreate,
      cause: error,
    });
  }
}

function reason(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return IN_WORDS[code] ?? message;
}
