import type { Publication } from "@pushcast/api";
import { expect, test } from "vitest";
import { tailedPublication } from "./tailed-publication.ts";

function publication(content: Buffer | string, fields: Partial<Publication> = {}): Publication {
  return {
    epoch: "000000000000000a",
    seq: 7n,
    roomId: "r",
    content: Buffer.from(content),
    contentType: "",
    idempotencyKey: "",
    excludeUserIds: [],
    ephemeral: false,
    atMs: 1_700_000_000_000n,
    userIds: [],
    command: undefined,
    ...fields,
  };
}

test("text is shown as it is, with what is known of it", () => {
  expect(tailedPublication(publication("<b>hi</b>"), 100)).toEqual({
    id: "000000000000000a-7",
    atMs: 1_700_000_000_000,
    contentType: "",
    kind: "text",
    shown: "<b>hi</b>",
    cut: false,
    contentBytes: 9,
    ephemeral: false,
    userIds: [],
    userCount: 0,
    excludedCount: 0,
  });
});

test("long text is cut between two characters", () => {
  const { shown, cut, contentBytes } = tailedPublication(publication("aé€😀b"), 8);
  expect([shown, cut, contentBytes]).toEqual(["aé€", true, 11]);
});

test.each([
  ["application/octet-stream", Buffer.from([0, 255, 16])],
  ["text/plain", Buffer.from([0, 255, 16])],
])("bytes that are no text are shown in hex, said to be %s or not", (contentType, content) => {
  const shown = tailedPublication(publication(content, { contentType }), 100);
  expect(shown).toMatchObject({ kind: "binary", shown: "00 ff 10", cut: false, contentBytes: 3 });
});

test("of long bytes the beginning is shown", () => {
  const fields = { contentType: "audio/ogg" };
  const { shown, cut } = tailedPublication(publication(Buffer.alloc(100_000), fields), 4096);
  expect(shown.split(" ")).toHaveLength(64);
  expect(cut).toBe(true);
});

test("of many users some are named", () => {
  const userIds = Array.from({ length: 50 }, (_, index) => `user-${index}`);
  const shown = tailedPublication(publication("x", { userIds, excludeUserIds: ["a", "b"] }), 100);
  expect(shown.userIds).toHaveLength(10);
  expect(shown).toMatchObject({ userCount: 50, excludedCount: 2 });
});
