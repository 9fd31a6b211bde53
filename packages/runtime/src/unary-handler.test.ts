import { type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { RpcError, toServiceError } from "./grpc-error.ts";
import { unaryHandler } from "./unary-handler.ts";

type Handle = (name: string) => string | Promise<string>;

/** What a call of the handler is answered with, and what it told to the log. */
async function answer(handle: Handle) {
  const logged: unknown[] = [];
  const handler = unaryHandler(handle, { onError: (error) => logged.push(error) });
  const call = { request: "Ada" } as ServerUnaryCall<string, string>;
  const [error, response] = await new Promise<Parameters<sendUnaryData<string>>>((resolve) => {
    handler(call, (...outcome) => resolve(outcome));
  });
  return { error, response, logged };
}

test.each<[string, Handle]>([
  ["returns", (name) => `Hello ${name}`],
  ["resolves to", async (name) => `Hello ${name}`],
])("answers what the function %s", async (_, handle) => {
  expect(await answer(handle)).toEqual({ error: null, response: "Hello Ada", logged: [] });
});

const roomInvalid = new RpcError(status.INVALID_ARGUMENT, "ROOM_INVALID", "room_id is empty");

test.each<[string, Handle]>([
  [
    "throws",
    () => {
      throw roomInvalid;
    },
  ],
  ["rejects with", () => Promise.reject(roomInvalid)],
])("answers an RpcError that the function %s with its status and name", async (_, handle) => {
  const { error, logged } = await answer(handle);
  expect(error).toMatchObject({ code: status.INVALID_ARGUMENT, details: "room_id is empty" });
  expect(error?.metadata?.getMap()).toEqual({ "pushcast-code": "ROOM_INVALID" });
  expect(logged).toEqual([]);
});

const bug = new TypeError("secret detail");

test.each<[string, Handle]>([
  [
    "throws",
    () => {
      throw bug;
    },
  ],
  ["rejects with", () => Promise.reject(bug)],
])(
  "answers INTERNAL when the function %s anything else, which only the log gets",
  async (_, handle) => {
    const { error, logged } = await answer(handle);
    expect(error).toMatchObject({ code: status.INTERNAL, details: "internal error" });
    expect(error?.metadata?.getMap()).toEqual({ "pushcast-code": "INTERNAL" });
    expect(JSON.stringify(error)).not.toContain("secret");
    expect(logged).toEqual([bug]);
  },
);

test("what is thrown need not be an Error", () => {
  const logged: unknown[] = [];
  const error = toServiceError("oops", (thrown) => logged.push(thrown));
  expect([error.code, logged]).toEqual([status.INTERNAL, ["oops"]]);
});
