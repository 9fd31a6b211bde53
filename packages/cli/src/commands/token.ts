import { UsageError } from "../frame/cli-error.ts";
import { defineCommand } from "../frame/command.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";
import { duration, flag, text, texts } from "../frame/option.ts";
import { takePositionals } from "../frame/read-arguments.ts";

const DETAILS = `
Makes a client's token, signed, for development and tests, and says on stderr
which settings a connect-node needs to take it. It goes to stdout, alone.

In production an issuer of yours makes tokens, and nobody else has its key.
`;

const KEYS = "The key, one of";
const CLAIMS = "What it says";
/** The nodes' default of JWT_MAX_SECONDS. */
const MAX_SECONDS = 86_400;
/** Ten years: longer is a mistake. */
const MAX_LIFE_MS = 3_650 * 86_400_000;

export const tokenCommand = defineCommand({
  name: "token",
  summary: "Make a client's token for development",
  forms: ["USER --secret-file FILE [options]", "USER --private-key-file FILE [options]"],
  details: DETAILS,
  options: {
    secretFile: text({
      group: KEYS,
      placeholder: "FILE",
      doc: "Sign with the secret in this file (HS256): the nodes' JWT_SECRET_FILE",
    }),
    privateKeyFile: text({
      group: KEYS,
      placeholder: "FILE",
      doc: "Sign with this private key, PEM: dev.pem, of which dev.pub.pem is the nodes' JWT_PUBLIC_KEY_FILE",
    }),
    create: flag({
      group: KEYS,
      doc: "Make the file where there is none: a random secret, or a pair of keys for ES256",
    }),
    room: texts({
      group: CLAIMS,
      placeholder: "NAME",
      doc: "A room that the user may join, or all that begin alike: 'talk-*'. May be repeated",
    }),
    autoJoin: texts({
      group: CLAIMS,
      placeholder: "NAME",
      doc: "A room that the user is in from the start. May be repeated",
    }),
    expiresIn: duration("1h", { group: CLAIMS, doc: "How long it is good" }, MAX_LIFE_MS),
    issuer: text({ group: CLAIMS, placeholder: "TEXT", doc: "iss, for JWT_ISSUER" }),
    audience: text({ group: CLAIMS, placeholder: "TEXT", doc: "aud, for JWT_AUDIENCE" }),
    keyId: text({
      group: CLAIMS,
      placeholder: "TEXT",
      doc: "kid, where the nodes have a set of keys",
    }),
    output: text({
      placeholder: "FILE",
      doc: "Write it to a new file that only you may read, for tail --client-token-file",
    }),
  },
  examples: [
    {
      line: "pushcast token ann --secret-file secret --create --room lobby",
      doc: "A token for ann, who may join the lobby; the secret is made if need be",
    },
    {
      line: "pushcast token ann --private-key-file dev.pem --create --output ann.jwt",
      doc: "Signed with a pair of keys, into a file",
    },
  ],
  run: async ({ options, positionals }, { output }) => {
    const [userId = ""] = takePositionals(positionals, ["USER"]);
    const { secretFile, privateKeyFile, create, keyId, issuer, audience } = options;
    if ((secretFile === undefined) === (privateKeyFile === undefined)) {
      throw new UsageError("exactly one of --secret-file and --private-key-file is needed");
    }
    const [{ SignJWT }, { makeClaims }, { openPrivateKey, openSecret }, { createSecretFile }] =
      await Promise.all([
        import("jose"),
        import("../token/claims.ts"),
        import("../token/signing-key.ts"),
        import("../frame/files.ts"),
      ]);
    const claims = makeClaims({
      userId,
      rooms: options.room,
      autoJoin: options.autoJoin,
      issuer,
      audience,
      expiresInMs: options.expiresIn,
      nowMs: Date.now(),
    });
    const signing =
      secretFile === undefined
        ? openPrivateKey(privateKeyFile ?? "", create)
        : openSecret(secretFile, create);
    const token = await new SignJWT(claims)
      .setProtectedHeader({
        alg: signing.algorithm,
        typ: "JWT",
        ...(keyId === undefined ? {} : { kid: keyId }),
      })
      .sign(signing.key);

    const settings = {
      ...signing.settings,
      ...(issuer === undefined ? {} : { JWT_ISSUER: issuer }),
      ...(audience === undefined ? {} : { JWT_AUDIENCE: audience }),
      ...(claims.exp - claims.iat > MAX_SECONDS
        ? { JWT_MAX_SECONDS: String(claims.exp - claims.iat) }
        : {}),
    };
    if (options.output !== undefined) createSecretFile(options.output, "--output", `${token}\n`);
    output.result(
      {
        ...(options.output === undefined ? { token } : { file: options.output }),
        algorithm: signing.algorithm,
        claims,
        settings,
        created: signing.created,
      },
      () => (options.output === undefined ? [token] : []),
    );
    for (const path of signing.created) output.note(`made ${path}`);
    if (options.output !== undefined) output.note(`the token is in ${options.output}`);
    output.note("A connect-node takes it with:");
    for (const [name, value] of Object.entries(settings)) output.note(`  ${name}=${value}`);
    if (signing.lacksPublicFile) {
      output.note("That file is not there: --create writes the key's public half to it.");
    }
    output.warning(
      "for development only: who can read the key's file can be any user. In production your issuer makes tokens.",
    );
    if (signing.isReadByOthers) {
      output.warning("others may read the key's file: chmod 600 it.");
    }
    return EXIT_CODES.ok;
  },
});
