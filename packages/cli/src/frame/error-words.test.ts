import { expect, test } from "vitest";
import { errorWords } from "./error-words.ts";

test.each([
  [
    "every address of a name failed",
    new AggregateError([
      Object.assign(new Error("connect ECONNREFUSED ::1:1"), { code: "ECONNREFUSED" }),
    ]),
    "connect ECONNREFUSED ::1:1",
  ],
  [
    "OpenSSL says where in its sources it was",
    new Error(
      "C0:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../ssl/x.c:354:\n",
    ),
    "wrong version number",
  ],
  [
    "the text lacks the code",
    Object.assign(new Error("socket hang up"), { code: "ECONNRESET" }),
    "ECONNRESET: socket hang up",
  ],
])("%s", (_what, error, words) => {
  expect(errorWords(error)).toBe(words);
});
