import { PushStreamRequest } from "@pushcast/api";
import { describe, expect, test } from "vitest";
import { StreamPushes } from "./stream-pushes.ts";

const encode = (...requestIds: string[]) =>
  Buffer.from(
    PushStreamRequest.encode({
      pushes: requestIds.map((requestId) => ({ requestId, push: undefined })),
    }).finish(),
  );

function idsOf(pushes: StreamPushes): string[] {
  const ids: string[] = [];
  for (let push = pushes.next(); push !== undefined; push = pushes.next()) ids.push(push.requestId);
  return ids;
}

describe("the pushes of a message", () => {
  test("come one by one, without fields of later versions", () => {
    const laterField = Buffer.from([0x7a, 0x01, 0x00]);
    expect(
      idsOf(new StreamPushes(Buffer.concat([encode("a"), laterField, encode("b", "")]))),
    ).toEqual(["a", "b", ""]);
    expect(idsOf(new StreamPushes(Buffer.alloc(0)))).toEqual([]);
  });

  test.each([
    ["cut off", encode("abc").subarray(0, -1)],
    ["a string that is not UTF-8", Buffer.from([0x0a, 0x03, 0x0a, 0x01, 0xff])],
    ["no message", Buffer.from([0xff, 0xff])],
  ])("before bytes that are %s are given, then an error", (_what, bytes) => {
    const pushes = new StreamPushes(Buffer.concat([encode("first"), bytes]));
    expect(pushes.next()?.requestId).toBe("first");
    expect(() => pushes.next()).toThrow(
      expect.objectContaining({ pushcastCode: "REQUEST_MALFORMED" }),
    );
  });
});
