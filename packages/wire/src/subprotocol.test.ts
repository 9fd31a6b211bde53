import { expect, test } from "vitest";
import { jsonCodec } from "./json-codec.ts";
import { protoCodec } from "./proto-codec.ts";
import { selectSubprotocol } from "./subprotocol.ts";

const TOKEN = "pushcast.token.eyJ.e30.c2ln";

test("a client that offers nothing speaks JSON, and the answer selects nothing", () => {
  expect(selectSubprotocol([])).toEqual({ codec: jsonCodec });
});

test("a token alone offers nothing", () => {
  expect(selectSubprotocol([TOKEN])).toEqual({ codec: jsonCodec });
});

test("the first known entry is selected, and never the token", () => {
  expect(selectSubprotocol([TOKEN, "pushcast.v2.json", "pushcast.v1.proto"])).toEqual({
    codec: protoCodec,
    answer: "pushcast.v1.proto",
  });
  expect(selectSubprotocol(["pushcast.v1.json", "pushcast.v1.proto", TOKEN])).toEqual({
    codec: jsonCodec,
    answer: "pushcast.v1.json",
  });
});

test.each([
  [["graphql-transport-ws"]],
  [["pushcast.v2.json", TOKEN]],
  [["PUSHCAST.V1.JSON"]],
  [["constructor"]],
])("%j is refused", (offered) => {
  expect(selectSubprotocol(offered)).toBeUndefined();
});
