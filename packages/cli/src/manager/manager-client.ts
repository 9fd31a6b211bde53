import type { PushClient, PushClientOptions, PushClientTls } from "@pushcast/api";
import { CliError, UsageError } from "../frame/cli-error.ts";
import type { Context } from "../frame/command.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";
import { readFile } from "../frame/files.ts";
import { checkTokenStaysSecret, readToken } from "../frame/token.ts";
import type { ManagerOptionValues } from "./manager-options.ts";

const ADDRESS = /^(?:dns:\/{0,3})?(\[[\da-fA-F:]+\]|[^\s:/]+):(\d{1,5})$/;

/**
 * Does something with a push-manager, and ends the connection.
 * @throws CliError what is wrong with the options or the connection, or what it answered
 */
export async function withManager<Result>(
  options: ManagerOptionValues,
  { env }: Pick<Context, "env">,
  use: (client: PushClient) => Promise<Result>,
): Promise<Result> {
  const clientOptions = readClientOptions(options, env.PUSHCAST_TOKEN);
  const [{ createPushClient }, { managerProblem }] = await Promise.all([
    import("@pushcast/api"),
    import("./manager-problem.ts"),
  ]);
  const connection = {
    address: options.manager,
    hasTls: clientOptions.tls !== undefined,
    timeoutMs: options.timeout,
  };
  let client: PushClient | undefined;
  try {
    client = createPushClient(clientOptions);
    return await use(client);
  } catch (error) {
    throw managerProblem(error, connection);
  } finally {
    await client?.close();
  }
}

/** @throws CliError */
export function readClientOptions(
  options: ManagerOptionValues,
  tokenOfEnv: string | undefined,
): PushClientOptions {
  const [, host = "", port] = ADDRESS.exec(options.manager) ?? [];
  if (host === "" || Number(port) > 65_535) {
    throw new UsageError(
      `the push-manager's address is HOST:PORT, not ${JSON.stringify(options.manager)}`,
      "Say it with --manager or in PUSHCAST_MANAGER, without http://.",
    );
  }
  const tls = readTls(options);
  const token = readToken({
    option: "--token-file",
    path: options.tokenFile,
    variable: "PUSHCAST_TOKEN",
    ofEnv: tokenOfEnv,
  });
  if (token !== undefined) {
    const isEncrypted = tls !== undefined;
    checkTokenStaysSecret(host, { isEncrypted, isAllowed: options.insecureToken });
  }
  return {
    address: options.manager,
    ...(tls === undefined ? {} : { tls }),
    ...(token === undefined ? {} : { token, insecureToken: true }),
    deadlineMs: options.timeout,
    attemptMs: options.timeout,
    // A person tries again, and wants to know at once.
    maxAttempts: 1,
  };
}

/** @throws CliError */
function readTls({
  tls,
  ca,
  cert,
  key,
  serverName,
}: ManagerOptionValues): PushClientTls | undefined {
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("--cert and --key belong together");
  }
  const isOn = tls || [ca, cert, serverName].some((value) => value !== undefined);
  if (!isOn) return undefined;
  return {
    ...(ca === undefined ? {} : { ca: readPem(ca, "--ca", "CERTIFICATE") }),
    ...(cert === undefined ? {} : { cert: readPem(cert, "--cert", "CERTIFICATE") }),
    ...(key === undefined ? {} : { key: readPem(key, "--key", "PRIVATE KEY") }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

/** @throws CliError */
export function readPem(path: string, option: string, kind: string): Buffer {
  const bytes = readFile(path, option);
  if (new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(bytes.toString("latin1"))) return bytes;
  throw new CliError({
    code: "PEM_INVALID",
    message: `${path} (${option}) has no ${kind.toLowerCase()} as PEM`,
    exitCode: EXIT_CODES.config,
  });
}
