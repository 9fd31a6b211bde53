import { expect, test } from "vitest";
import { hashToken } from "./callers.ts";
import { parseCallers } from "./callers-file.ts";

const TOKEN = "a-token-of-32-characters-or-more";

function parse(text: string) {
  return parseCallers(Buffer.from(text));
}

function problemOf(caller: Readonly<Record<string, unknown>>): string {
  try {
    parse(JSON.stringify({ callers: [{ name: "shop", token: TOKEN, rpcs: ["*"], ...caller }] }));
  } catch (error) {
    return (error as Error).message;
  }
  return "none";
}

test("YAML and JSON say the same", () => {
  const yaml = `callers:\n  - name: shop\n    token: ${TOKEN}\n    rpcs: [PushToRoom]\n    rooms: ["shop:*"]\n    rate: 5\n`;
  const json = JSON.stringify({
    callers: [{ name: "shop", token: TOKEN, rpcs: ["PushToRoom"], rooms: ["shop:*"], rate: 5 }],
  });
  expect(parse(yaml).entries).toEqual(parse(json).entries);
  expect(parse(yaml).entries[0]).toMatchObject({ name: "shop", rate: { perSecond: 5, burst: 5 } });
});

test("a caller is found by any of its tokens, given or hashed", () => {
  const other = "another-token-that-was-hashed-only";
  const callers = parse(
    JSON.stringify({
      callers: [
        {
          name: "shop",
          token: [TOKEN],
          token_sha256: hashToken(other).toString("hex"),
          rpcs: ["*"],
        },
      ],
    }),
  );
  expect(callers.withToken(hashToken(TOKEN))?.name).toBe("shop");
  expect(callers.withToken(hashToken(other))?.name).toBe("shop");
  expect(callers.withToken(hashToken("x"))).toBeUndefined();
});

test.each([
  [{ name: "" }, "callers[0].name must be 1 to 63 letters"],
  [{ token: "short" }, "callers[0].token must be at least 16"],
  [{ token: 1234567890123456 }, "callers[0].token must be a text"],
  [{ token: undefined }, "callers[0] needs a token, a token_sha256 or a certificate"],
  [{ token_sha256: "abc" }, "callers[0].token_sha256 must be 64 hex digits"],
  [{ rpcs: undefined }, "callers[0].rpcs must not be empty"],
  [{ rpcs: ["PushStream"] }, "callers[0].rpcs[0] must be * or one of"],
  [{ rooms: [""] }, "callers[0].rooms[0] must be a text"],
  [{ rate: 0 }, "callers[0].rate must be a number above 0"],
  [{ burst: 5 }, "callers[0].burst goes with a rate"],
  [{ room: "shop" }, "callers[0] has an unknown key"],
])("a caller with %o is refused", (caller, problem) => {
  expect(problemOf(caller)).toContain(problem);
});

test.each([
  ["", "must have keys and values"],
  ["{", "neither JSON nor YAML"],
  ["callers: []", "must not be empty"],
  ["callers: [{name: a}, b", "neither JSON nor YAML"],
  ["other: 1", "more in it than callers"],
  ["callers: [&a {name: a}, *a]", "no aliases"],
])("a file with %o is refused", (text, problem) => {
  expect(() => parse(text)).toThrow(problem);
});

test("what identifies one caller cannot identify another", () => {
  const two = (more: object, other: object) =>
    JSON.stringify({
      callers: [
        { name: "a", token: TOKEN, rpcs: ["*"], ...more },
        { name: "b", token: `${TOKEN}2`, rpcs: ["*"], ...other },
      ],
    });
  expect(() => parse(two({}, { name: "a" }))).toThrow("the same name");
  expect(() => parse(two({}, { token: TOKEN }))).toThrow("the same token");
  expect(() => parse(two({ certificate: "x" }, { certificate: ["x"] }))).toThrow(
    "the same certificate",
  );
});

test("no problem quotes the file, which has tokens in it", () => {
  const secret = "s3cr3t-s3cr3t-s3cr3t";
  const broken = [
    `callers:\n - name: a\n   token: ${secret}\n  bad`,
    `callers: [{token: *${secret}}]`,
    `{"callers":[{"name":"${secret} ","rpcs":["${secret}"]}]}`,
    `{"callers":[{"name":"a","rpcs":["*"],"${secret}":1}]}`,
    `${secret}: 1`,
    secret,
  ];
  for (const text of broken) {
    let message = "";
    try {
      parse(text);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).not.toBe("");
    expect(message).not.toContain(secret);
  }
});
