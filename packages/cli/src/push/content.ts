import type { Readable } from "node:stream";
import { CliError, UsageError } from "../frame/cli-error.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";
import { readFile } from "../frame/files.ts";

export interface ContentSource {
  /** The content itself, or `-` for stdin. */
  readonly argument?: string;
  /** Its path, or `-` for stdin. */
  readonly file?: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
}

/** The largest MAX_CONTENT_BYTES that a push-manager can have. */
const MAX_BYTES = 16 * 1024 * 1024;

/** @throws CliError */
export async function readContent({ argument, file, stdin }: ContentSource): Promise<Buffer> {
  if (file !== undefined && file !== "-") return bounded(readFile(file, "--file"));
  if ((file ?? argument) !== "-") return bounded(Buffer.from(argument ?? ""));
  if (stdin.isTTY) {
    throw new UsageError("- takes the content from a pipe or a file, and stdin is a terminal");
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > MAX_BYTES) break;
  }
  return bounded(Buffer.concat(chunks));
}

function bounded(content: Buffer): Buffer {
  if (content.byteLength <= MAX_BYTES) return content;
  throw new CliError({
    code: "CONTENT_TOO_LARGE",
    message: `the content has more than ${MAX_BYTES / 1024 / 1024} MiB, which no push-manager takes`,
    hint: "Push where it can be fetched instead.",
    exitCode: EXIT_CODES.data,
  });
}
