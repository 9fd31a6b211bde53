import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { closeCodeTable, errorCodeTable, httpErrorTable } from "../test/protocol-tables.ts";
import { clientCodec } from "./client-side.ts";
import { JSON_SUBPROTOCOL } from "./codec.ts";
import { jsonCodec } from "./json-codec.ts";

const page = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8");

/** `*Client* … {"type":…}` and the same of the server, in the numbered dialogues. */
function framesOf(side: "Client" | "Server"): string[] {
  return [...page.matchAll(new RegExp(`^1\\. \\*${side}\\* \`(\\{.*\\})\`$`, "gm"))].map(
    ([, json = ""]) => json,
  );
}

/** The rows of the tables headed "A client sends | It gets". */
const violations = [
  ...page.matchAll(/^\| A client sends \| It gets \|\n.*\n((?:\|.*\n)+)/gm),
].flatMap(([, rows = ""]) =>
  [...rows.matchAll(/^\| `(.*)` \| `?(\w+)`? \|$/gm)].map(([, sent = "", gets = ""]) => ({
    sent,
    gets,
  })),
);

describe("docs/protocol.md", () => {
  test("has the tables of close codes, error codes and HTTP answers as the code has them", () => {
    expect(page).toContain(`\n\n${closeCodeTable()}\n\n`);
    expect(page).toContain(`\n\n${errorCodeTable()}\n\n`);
    expect(page).toContain(`\n\n${httpErrorTable()}\n`);
  });

  test("has a violation for each close code and error code that a decoder answers", () => {
    expect(new Set(violations.map(({ gets }) => gets))).toEqual(
      new Set(["4400", "UNKNOWN_TYPE", "BAD_REQUEST", "ROOM_INVALID", "POSITION_INVALID"]),
    );
  });

  test.each(violations)("$sent gets $gets", ({ sent, gets }) => {
    const result = jsonCodec.decode(Buffer.from(sent), false);
    if (result.ok) expect.fail("was accepted");
    expect("close" in result ? String(result.close.code) : result.error.code).toBe(gets);
  });

  test.each(framesOf("Client"))("the client may send %s", (json) => {
    expect(jsonCodec.decode(Buffer.from(json), false)).toMatchObject({ ok: true });
  });

  test.each(framesOf("Server"))("the server writes %s just so", (json) => {
    const result = clientCodec(JSON_SUBPROTOCOL).decode(Buffer.from(json), false);
    if (!result.ok) expect.fail(result.problem);
    expect(jsonCodec.encode(result.frame).toString()).toBe(json);
  });

  test("shows each type of frame in a dialogue", () => {
    const shown = (side: "Client" | "Server") =>
      new Set(framesOf(side).map((json) => JSON.parse(json).type));
    const headings = (side: "client" | "server") => {
      const [, section = ""] = page.split(`\n## Messages from the ${side}\n`);
      const [messages = ""] = section.split("\n## ");
      return new Set([...messages.matchAll(/^### `(\w+)`$/gm)].map(([, type]) => type));
    };
    expect(shown("Client")).toEqual(headings("client"));
    expect(shown("Server")).toEqual(headings("server"));
  });
});
