import type { PushOptions, PushResult } from "@pushcast/api";
import { UsageError } from "../frame/cli-error.ts";
import { defineCommand } from "../frame/command.ts";
import { EXIT_CODES } from "../frame/exit-codes.ts";
import { nearest } from "../frame/nearest.ts";
import { choice, flag, text, texts } from "../frame/option.ts";
import { takePositionals } from "../frame/read-arguments.ts";
import { managerOptions } from "../manager/manager-options.ts";

const DETAILS = `
Pushes one message to everybody in a room, to all sessions of a user, or to all
sessions there are, and says who got it.

CONTENT is the text itself, or - for what comes on stdin; or --file names it.

Ends with 2 where a node did not acknowledge it. That node gets it all the same
when it is back in time; to be sure push again, through another push-manager,
with the --idempotency-key that is said: nobody gets it twice.
`;

const TARGETS = ["room", "user", "all"] as const;
type TargetKind = (typeof TARGETS)[number];

const SHORT_TYPES: Readonly<Record<string, string>> = {
  text: "text/plain",
  json: "application/json",
  binary: "application/octet-stream",
};

const OF_THE_MESSAGE = "The message";

export const pushCommand = defineCommand({
  name: "push",
  summary: "Push a message to a room, a user or everybody",
  forms: [
    "room NAME CONTENT [options]",
    "user ID CONTENT [--room NAME] [options]",
    "all CONTENT [options]",
  ],
  details: DETAILS,
  options: {
    file: text({
      group: OF_THE_MESSAGE,
      placeholder: "FILE",
      doc: "The content is in this file, or with - on stdin",
    }),
    contentType: text({
      group: OF_THE_MESSAGE,
      placeholder: "TYPE",
      doc: "Its media type, or one of text, json, binary (default: text/plain)",
    }),
    room: text({
      group: OF_THE_MESSAGE,
      placeholder: "NAME",
      doc: "With push user: only the user's sessions in this room",
    }),
    exclude: texts({
      group: OF_THE_MESSAGE,
      placeholder: "USER",
      doc: "Not to this user. With push room and push all; may be repeated",
    }),
    idempotencyKey: text({
      group: OF_THE_MESSAGE,
      placeholder: "KEY",
      doc: "Repeats with the same key are delivered once (default: a new one)",
    }),
    ephemeral: flag({
      group: OF_THE_MESSAGE,
      doc: "Only for those who are there and keep up: it is not kept",
    }),
    wait: choice(["nodes", "none"], "nodes", {
      group: OF_THE_MESSAGE,
      doc: "Wait until the nodes have it, or not",
    }),
    ...managerOptions,
  },
  examples: [
    { line: "pushcast push room lobby 'Hello'", doc: "A text to everybody in a room" },
    {
      line: "pushcast push user ann '{\"order\": 7}' --content-type json",
      doc: "JSON to a user, on all devices",
    },
    {
      line: "date | pushcast push all - --exclude ann",
      doc: "What another program writes, to everybody but ann",
    },
    {
      line: "pushcast push room radio --file jingle.ogg --content-type audio/ogg",
      doc: "The bytes of a file",
    },
  ],
  run: async ({ options, positionals }, context) => {
    const { output } = context;
    const { kind, name, content } = readTarget(positionals, options);
    // An empty variable in a script, which would push without a key.
    if (options.idempotencyKey === "") throw new UsageError("--idempotency-key is empty");
    const [{ withManager }, { readContent }, words] = await Promise.all([
      import("../manager/manager-client.ts"),
      import("../push/content.ts"),
      import("../manager/report-words.ts"),
    ]);
    const bytes = await readContent({ ...content, stdin: context.stdin });
    const { contentType = "text", idempotencyKey, ephemeral, wait, room, exclude } = options;
    const pushOptions: PushOptions = {
      contentType: SHORT_TYPES[contentType] ?? contentType,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ephemeral,
      wait,
    };
    output.progress("pushing …");
    const result = await withManager(options, context, (client): Promise<PushResult> => {
      switch (kind) {
        case "room":
          return client.pushToRoom(name, bytes, { ...pushOptions, excludeUserIds: exclude });
        case "user":
          return client.pushToUser(name, bytes, {
            ...pushOptions,
            ...(room === undefined ? {} : { roomId: room }),
          });
        case "all":
          return client.broadcast(bytes, { ...pushOptions, excludeUserIds: exclude });
      }
    });

    const { messageId, report, idempotencyKey: key } = result;
    const hasFailures = report.failures.length > 0;
    const where = kind === "all" ? "everybody" : `${kind} ${name}`;
    output.result(
      {
        message_id: messageId,
        ...(key === "" ? {} : { idempotency_key: key }),
        report: words.reportJson(report),
      },
      () => [
        `Pushed to ${where}: ${messageId}`,
        ...(wait === "none"
          ? [`Sent to ${words.count(report.nodesTotal, "node")}, without waiting for them.`]
          : words.deliveryWords(report, output)),
      ],
    );
    if (hasFailures && key !== "") {
      output.note(`To push it again: --manager ANOTHER --idempotency-key ${key}`);
      output.note("This push-manager answers a repeat with this report, and pushes nothing.");
    }
    return hasFailures ? EXIT_CODES.partial : EXIT_CODES.ok;
  },
});

interface Target {
  readonly kind: TargetKind;
  /** Empty for all. */
  readonly name: string;
  readonly content: { readonly argument?: string; readonly file?: string };
}

/** @throws UsageError */
function readTarget(
  [first = "", ...rest]: readonly string[],
  {
    file,
    room,
    exclude,
  }: { file: string | undefined; room: string | undefined; exclude: readonly string[] },
): Target {
  const kind = TARGETS.find((target) => target === first);
  if (kind === undefined) throw unknownTarget(first);
  if (room !== undefined && kind !== "user") throw new UsageError("--room is for push user only");
  if (exclude.length > 0 && kind === "user") throw new UsageError("--exclude is not for push user");
  const names = kind === "all" ? [] : [kind === "room" ? "NAME" : "ID"];
  const taken = takePositionals(rest, names, file === undefined ? ["CONTENT"] : []);
  const [name, argument] = kind === "all" ? ["", taken[0]] : [taken[0] ?? "", taken[1]];
  if (argument === undefined && file === undefined) {
    throw new UsageError(
      "CONTENT is missing",
      "Give it as an argument, with --file FILE, or with - on stdin.",
    );
  }
  return {
    kind,
    name,
    content: {
      ...(argument === undefined ? {} : { argument }),
      ...(file === undefined ? {} : { file }),
    },
  };
}

function unknownTarget(first: string): UsageError {
  if (first === "") return new UsageError("push needs a target: room, user or all");
  const suggestion = nearest(first, TARGETS);
  return new UsageError(
    `push goes to room, user or all, not to ${JSON.stringify(first)}`,
    suggestion === undefined
      ? `For the room of that name: pushcast push room ${first} …`
      : `Did you mean pushcast push ${suggestion}?`,
  );
}
