import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import {
  accept,
  clientOf,
  refuse,
  type ScriptedManager,
  STOPPING,
  type Stream,
  serviceError,
  startScriptedManager,
} from "../../test-fixtures/scripted-manager.ts";
import type { StreamPush } from "../gen/pushcast/v1/push_manager.ts";

const contentsOf = ({ pushes }: ScriptedManager) => pushes.map(({ content }) => String(content));
const keysOf = ({ pushes }: ScriptedManager) => pushes.map(({ idempotencyKey }) => idempotencyKey);

test("what is pushed in one turn goes out in one message, in order", async () => {
  const manager = await startScriptedManager();
  const stream = clientOf([manager]).stream();

  const texts = Array.from({ length: 100 }, (_, n) => String(n));
  const results = await Promise.all(texts.map((text) => stream.pushToRoom("room", text)));

  expect(manager.messages).toEqual([100]);
  expect(contentsOf(manager)).toEqual(texts);
  expect(results.map(({ messageId }) => messageId)).toEqual(
    texts.map((n) => `00-${Number(n) + 1}`),
  );
  expect(new Set(results.map(({ idempotencyKey }) => idempotencyKey))).toEqual(
    new Set(keysOf(manager)),
  );
});

test("all three kinds of push go over one stream", async () => {
  const kinds: unknown[] = [];
  const manager = await startScriptedManager({
    onStreamPush: (push, stream) => {
      kinds.push(push.push?.$case);
      accept(push, stream);
    },
  });
  const stream = clientOf([manager]).stream();
  await Promise.all([
    stream.pushToRoom("room", "x"),
    stream.pushToUser("ann", "x"),
    stream.broadcast("x"),
  ]);

  expect(kinds).toEqual(["pushToRoom", "pushToUser", "broadcastMessage"]);
});

test("large pushes are spread over messages that a push-manager takes", async () => {
  const manager = await startScriptedManager();
  const stream = clientOf([manager]).stream();
  const large = Buffer.alloc(400 * 1024);
  await Promise.all([1, 2, 3, 4, 5].map(() => stream.pushToRoom("room", large)));

  expect(manager.messages).toEqual([2, 2, 1]);
});

test("one push's error is its own, and the stream goes on", async () => {
  const manager = await startScriptedManager({
    onStreamPush: (push, stream) => {
      const invalid = { code: status.INVALID_ARGUMENT, reason: "ROOM_INVALID" };
      if (push.requestId === "2") refuse(push, stream, invalid);
      else accept(push, stream);
    },
  });
  const stream = clientOf([manager]).stream();
  const [first, second, third] = await Promise.allSettled(
    ["a", "b", "c"].map((text) => stream.pushToRoom("room", text)),
  );

  expect(first?.status).toBe("fulfilled");
  expect(second).toMatchObject({
    reason: { code: "INVALID_ARGUMENT", reason: "ROOM_INVALID", message: "said by the test" },
  });
  expect(third?.status).toBe("fulfilled");
});

test("when a stream breaks, what is not answered goes again with its keys, in order, to another", async () => {
  const broken = await startScriptedManager({
    onStreamPush: (push, stream) => {
      if (push.requestId === "1") accept(push, stream);
      if (push.requestId === "4") stream.emit("error", serviceError({ code: status.UNAVAILABLE }));
    },
  });
  const sound = await startScriptedManager();
  const stream = clientOf([broken, sound]).stream();
  const texts = ["a", "b", "c", "d"];
  const results = await Promise.all(texts.map((text) => stream.pushToRoom("room", text)));

  expect(results.map(({ attempts }) => attempts)).toEqual([1, 2, 2, 2]);
  expect(contentsOf(broken)).toEqual(texts);
  expect(contentsOf(sound)).toEqual(["b", "c", "d"]);
  expect(keysOf(sound)).toEqual(keysOf(broken).slice(1));
});

test("what a push-manager refuses as it stops goes again, before what came later", async () => {
  let isStopping = true;
  const manager = await startScriptedManager({
    onStreamPush: (push, stream) => {
      if (isStopping) refuse(push, stream, STOPPING);
      else accept(push, stream);
      if (push.requestId === "3") isStopping = false;
    },
  });
  const stream = clientOf([manager]).stream();
  await Promise.all(["a", "b", "c"].map((text) => stream.pushToRoom("room", text)));

  expect(contentsOf(manager)).toEqual(["a", "b", "c", "a", "b", "c"]);
});

test("a stream on which no push is answered is given up for another", async () => {
  const silent = await startScriptedManager({ onStreamPush: () => {} });
  const sound = await startScriptedManager();
  const stream = clientOf([silent, sound], { attemptMs: 150 }).stream();

  const { attempts } = await stream.pushToRoom("room", "hello");

  expect(attempts).toBe(2);
  expect(keysOf(sound)).toEqual(keysOf(silent));
});

test("an ephemeral push is not sent again when its stream breaks", async () => {
  const manager = await startScriptedManager({
    onStreamPush: (_push, stream) => {
      stream.emit("error", serviceError({ code: status.UNAVAILABLE }));
    },
  });
  const stream = clientOf([manager]).stream();

  const failed = stream.pushToRoom("room", "hello", { ephemeral: true });

  await expect(failed).rejects.toMatchObject({ code: "UNAVAILABLE", attempts: 1 });
});

test("ready waits while as many as maxInFlight are not answered", async () => {
  const held: [StreamPush, Stream][] = [];
  const manager = await startScriptedManager({ onStreamPush: (...push) => held.push(push) });
  const stream = clientOf([manager]).stream({ maxInFlight: 2 });
  const results = ["a", "b"].map((text) => stream.pushToRoom("room", text));
  let isReady = false;
  const ready = stream.ready().then(() => {
    isReady = true;
  });
  await expect.poll(() => held).toHaveLength(2);
  expect(isReady).toBe(false);

  const [first] = held;
  if (first !== undefined) accept(...first);
  await ready;
  expect(stream.unanswered).toBe(1);
  for (const push of held.slice(1)) accept(...push);
  await Promise.all(results);
});

test("what waits beyond maxQueued is refused", async () => {
  const manager = await startScriptedManager();
  const stream = clientOf([manager]).stream({ maxQueued: 2 });
  const results = ["a", "b", "c"].map((text) => stream.pushToRoom("room", text));

  await expect(results[2]).rejects.toMatchObject({
    code: "RESOURCE_EXHAUSTED",
    reason: "QUEUE_FULL",
  });
  await Promise.all(results.slice(0, 2));
});

test("a push has its own deadline, and its own signal", async () => {
  const manager = await startScriptedManager({ onStreamPush: () => {} });
  const stream = clientOf([manager]).stream();
  const aborter = new AbortController();
  const late = stream.pushToRoom("room", "late", { deadlineMs: 1 });
  const aborted = stream.pushToRoom("room", "aborted", { signal: aborter.signal });
  aborter.abort();

  await expect(aborted).rejects.toMatchObject({ code: "CANCELLED", reason: "ABORTED_BY_CALLER" });
  await expect(late).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  expect(stream.unanswered).toBe(0);
});

test("close waits for the answers, and takes nothing more", async () => {
  const manager = await startScriptedManager();
  const client = clientOf([manager]);
  const stream = client.stream();
  const results = ["a", "b"].map((text) => stream.pushToRoom("room", text));
  await client.close();

  await expect(Promise.all(results)).resolves.toHaveLength(2);
  await expect(stream.pushToRoom("room", "c")).rejects.toMatchObject({ reason: "STREAM_CLOSED" });
  await stream.close();
});

test("pushes that nobody answered in time fail together, and quickly however many they are", async () => {
  const manager = await startScriptedManager({ onStreamPush: () => {} });
  const stream = clientOf([manager]).stream();
  const late = Array.from({ length: 10_000 }, () =>
    stream.pushToRoom("room", "x", { deadlineMs: 100 }),
  );
  const [first] = await Promise.allSettled(late);

  expect(first).toMatchObject({ reason: { code: "DEADLINE_EXCEEDED" } });
  expect(stream.unanswered).toBe(0);
});

test("a stream that is closed while it waits for a token does not begin", async () => {
  const manager = await startScriptedManager();
  let tell = (_token: string) => {};
  const token = () => new Promise<string>((resolve) => (tell = resolve));
  const pushes = clientOf([manager], { token, insecureToken: true });
  const failed = pushes.stream().pushToRoom("room", "x", { deadlineMs: 1 });

  await expect(failed).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  await pushes.close();
  tell("late");

  expect(manager.messages).toEqual([]);
});
