import { CliError, UsageError } from "../frame/cli-error.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";
import { readFile } from "../frame/files.ts";
import type { Environment } from "../frame/io.ts";
import { type OptionValues, text } from "../frame/option.ts";
import { checkTokenStaysSecret } from "../frame/token.ts";
import { readPem } from "../manager/manager-client.ts";

const group = "Clients";

/** How a command that also calls a push-manager connects as clients do. */
export const clientOptions = {
  url: text({
    group,
    placeholder: "URL",
    doc: "Where clients connect: wss://push.example.com/ws",
    env: "PUSHCAST_URL",
  }),
  clientTokenFile: text({
    group,
    placeholder: "FILE",
    doc: "Clients' tokens (AUTH_MODE=jwt), one on each line, used in turn; or one is in PUSHCAST_CLIENT_TOKEN",
    env: "PUSHCAST_CLIENT_TOKEN_FILE",
  }),
  clientCa: text({
    group,
    placeholder: "FILE",
    doc: "The CA that the certificate behind wss:// must be of, PEM",
    env: "PUSHCAST_CLIENT_CA",
  }),
};

type ClientOptionValues = OptionValues<typeof clientOptions> & { readonly insecureToken: boolean };

/** Where clients connect, and with what. */
export interface ClientEndpoint {
  /** `ws://` or `wss://` */
  readonly url: URL;
  /** PEM. @default the CAs that Node trusts */
  readonly ca: Buffer | undefined;
  /** None with AUTH_MODE=none. */
  readonly tokens: readonly string[];
}

/** Visible ASCII, as in a header's value. */
const TOKEN = /^[\x21-\x7e]+$/;

/** @throws CliError */
export function readClientEndpoint(
  address: string,
  { clientTokenFile, clientCa, insecureToken }: ClientOptionValues,
  env: Environment,
): ClientEndpoint {
  const url = readUrl(address);
  const tokens = readTokens(clientTokenFile, env.PUSHCAST_CLIENT_TOKEN);
  if (tokens.length > 0) {
    const isEncrypted = url.protocol === "wss:";
    checkTokenStaysSecret(url.hostname, { isEncrypted, isAllowed: insecureToken });
  }
  const ca = clientCa === undefined ? undefined : readPem(clientCa, "--client-ca", "CERTIFICATE");
  return { url, ca, tokens };
}

/** @throws UsageError */
function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "ws:" || url?.protocol === "wss:") return url;
  throw new UsageError(
    `where clients connect is a URL with ws:// or wss://, not ${JSON.stringify(text)}`,
    "Say it with --url or in PUSHCAST_URL.",
  );
}

/** @throws CliError that shows nothing of them */
function readTokens(path: string | undefined, ofEnv = ""): string[] {
  const source = path === undefined ? "PUSHCAST_CLIENT_TOKEN" : `${path} (--client-token-file)`;
  const text = path === undefined ? ofEnv : readFile(path, "--client-token-file").toString("utf8");
  const tokens = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (tokens.every((token) => TOKEN.test(token)) && (tokens.length > 0 || path === undefined)) {
    return tokens;
  }
  throw new CliError({
    code: "TOKEN_MALFORMED",
    message: `there are no tokens in ${source}`,
    hint: "Each must be one line of visible ASCII characters.",
    exitCode: EXIT_CODES.data,
  });
}
