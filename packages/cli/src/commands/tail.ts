import { UsageError } from "../frame/cli-error.ts";
import { defineCommand } from "../frame/command.ts";
import { flag, text, textOr, texts, wholeNumber } from "../frame/option.ts";
import { takePositionals } from "../frame/read-arguments.ts";

const DETAILS = `
Connects to a connect-node as a client does, and writes each message as it
comes: what is pushed to rooms, or all that a user gets. It reconnects by
itself, and where messages may be missing it says so: there is a gap.

Runs until Ctrl-C. With --json each line is an object with a type: message, gap,
state, joined or left.
`;

const CONNECTION = "Connection to a connect-node";

export const tailCommand = defineCommand({
  name: "tail",
  summary: "Write what is pushed to a room or a user, as it comes",
  forms: ["--room NAME [options]", "--user ID [options]"],
  details: DETAILS,
  options: {
    room: texts({
      placeholder: "NAME",
      doc: "Join this room, and write what is pushed to it. May be repeated",
    }),
    user: text({
      placeholder: "ID",
      doc: "Be this user, and write what is for the user and for everybody",
    }),
    count: wholeNumber([1, 1_000_000_000], {
      placeholder: "NUMBER",
      doc: "End after so many messages",
    }),
    url: textOr("ws://localhost:8080/ws", {
      group: CONNECTION,
      placeholder: "URL",
      doc: "Where clients connect",
      env: "PUSHCAST_URL",
    }),
    clientTokenFile: text({
      group: CONNECTION,
      placeholder: "FILE",
      doc: "The client's token, which says who it is (pushcast token makes one); or it is itself in PUSHCAST_CLIENT_TOKEN. Without one the nodes must have AUTH_MODE=none",
      env: "PUSHCAST_CLIENT_TOKEN_FILE",
    }),
    insecureToken: flag({
      group: CONNECTION,
      doc: "Send the token also without TLS to another machine, where others may read it",
    }),
    ca: text({
      group: CONNECTION,
      placeholder: "FILE",
      doc: "The CA that the certificate behind wss:// must be of, PEM",
      env: "PUSHCAST_CA",
    }),
  },
  examples: [
    { line: "pushcast tail --room lobby", doc: "What is pushed to the lobby" },
    {
      line: "pushcast tail --user ann --client-token-file ann.jwt --url wss://a.example/ws",
      doc: "All that ann gets, in production",
    },
    {
      line: "pushcast tail --room lobby --json | jq 'select(.type == \"message\").content'",
      doc: "Only the texts",
    },
  ],
  runsUntilInterrupted: true,
  run: async ({ options, positionals }, context) => {
    takePositionals(positionals, []);
    const { env } = context;
    const [{ tail }, { readToken, checkTokenStaysSecret }, { readFile }, { randomBytes }] =
      await Promise.all([
        import("../tail/tail.ts"),
        import("../frame/token.ts"),
        import("../frame/files.ts"),
        import("node:crypto"),
      ]);
    const currentToken = () =>
      readToken({
        option: "--client-token-file",
        path: options.clientTokenFile,
        variable: "PUSHCAST_CLIENT_TOKEN",
        ofEnv: env.PUSHCAST_CLIENT_TOKEN,
      });
    const token = currentToken();
    const { room: rooms, user, insecureToken, ca, count } = options;
    if (rooms.length === 0 && user === undefined && token === undefined) {
      throw new UsageError("tail needs --room NAME, --user ID or both");
    }
    const url = readUrl(options.url);
    if (token !== undefined) {
      const isEncrypted = url.protocol === "wss:";
      checkTokenStaysSecret(url.hostname, { isEncrypted, isAllowed: insecureToken });
    }
    const someone = `pushcast-tail-${randomBytes(3).toString("hex")}`;
    const userId = user ?? (token === undefined ? someone : undefined);
    return await tail(
      {
        url: url.href,
        rooms,
        // With a token alone, whatever is for its user.
        hasSelf: user !== undefined || rooms.length === 0,
        ...(userId === undefined ? {} : { userId }),
        // The file may have a newer one by the next connection.
        ...(token === undefined ? {} : { token: () => currentToken() ?? token }),
        ...(ca === undefined ? {} : { ca: readFile(ca, "--ca") }),
        ...(count === undefined ? {} : { count }),
      },
      context,
    );
  },
});

/** @throws UsageError */
function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "ws:" || url?.protocol === "wss:") return url;
  throw new UsageError(
    `where clients connect is a URL with ws:// or wss://, not ${JSON.stringify(text)}`,
    "Say it with --url or in PUSHCAST_URL.",
  );
}
