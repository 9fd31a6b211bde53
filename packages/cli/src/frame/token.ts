import { CliError } from "./cli-error.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { readFile } from "./files.ts";

/** Visible ASCII, as in a header's value. */
const TOKEN = /^[\x21-\x7e]+$/;
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

export interface TokenSource {
  /** `--token-file` */
  readonly option: string;
  readonly path: string | undefined;
  /** `PUSHCAST_TOKEN`, which counts without a path. */
  readonly variable: string;
  readonly ofEnv: string | undefined;
}

/**
 * A bearer token, never from the arguments: every user of the machine can read those.
 * @throws CliError that shows nothing of it
 */
export function readToken({ option, path, variable, ofEnv }: TokenSource): string | undefined {
  const text = path === undefined ? ofEnv : readFile(path, option).toString("utf8");
  if (text === undefined || (text === "" && path === undefined)) return undefined;
  const token = text.trim();
  if (TOKEN.test(token)) return token;
  throw new CliError({
    code: "TOKEN_MALFORMED",
    message: `there is no token in ${path === undefined ? variable : `${path} (${option})`}`,
    hint: "It must be one line of visible ASCII characters, and nothing else.",
    exitCode: EXIT_CODES.data,
  });
}

/** @throws CliError where others could read it on its way */
export function checkTokenStaysSecret(
  host: string,
  { isEncrypted, isAllowed }: { readonly isEncrypted: boolean; readonly isAllowed: boolean },
): void {
  if (isEncrypted || isAllowed || LOOPBACK.test(host)) return;
  throw new CliError({
    code: "TOKEN_NEEDS_TLS",
    message: `the token would go to ${host} in plain text`,
    hint: "Use TLS, or --insecure-token where nobody else can listen.",
    exitCode: EXIT_CODES.usage,
  });
}
