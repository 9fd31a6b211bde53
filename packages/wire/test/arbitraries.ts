import fc from "fast-check";
import type { ClientFrame } from "../src/client-frame.ts";
import { idProblem } from "../src/ids.ts";
import type { Position } from "../src/position.ts";
import type { ServerFrame } from "../src/server-frame.ts";

const integer = fc.maxSafeNat();
const text = fc.string({ unit: "binary", maxLength: 40 });
const optional = { requiredKeys: [] };

const anyRoom: fc.Arbitrary<string> = fc
  .string({ unit: "binary", minLength: 1, maxLength: 60 })
  .filter((room) => idProblem(room) === undefined);

const epoch = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .map((n) => n.toString(16).padStart(16, "0"));

export const anyPosition: fc.Arbitrary<Position> = fc
  .array(fc.tuple(epoch, integer), { maxLength: 100 })
  .map((entries) => new Map(entries));

export const anyClientFrame: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc
    .tuple(
      fc.record({ type: fc.constant("join" as const), room: anyRoom }),
      fc.record({ id: integer, ticket: text, awayMs: integer }, optional),
      fc.oneof(fc.constant({}), fc.record({ position: anyPosition, awayMs: integer })),
    )
    .map(([required, extra, replay]) => ({ ...required, ...extra, ...replay })),
  fc.record(
    { type: fc.constant("leave" as const), id: integer, room: anyRoom },
    { requiredKeys: ["type", "room"] },
  ),
  fc.record(
    { type: fc.constant("resume" as const), id: integer, position: anyPosition, awayMs: integer },
    { requiredKeys: ["type", "position", "awayMs"] },
  ),
  fc.record({ type: fc.constant("token" as const), token: text.filter((token) => token !== "") }),
  fc.constant({ type: "ping" as const }),
);

/** Content with a content type that it fits. JSON is as JSON.stringify writes it. */
const anyContent: fc.Arbitrary<{ contentType: string; content: Buffer }> = fc.oneof(
  fc.record({
    contentType: fc.constantFrom("text/plain", "Text/HTML; charset=utf-8"),
    content: text.map((value) => Buffer.from(value)),
  }),
  fc.record({
    contentType: fc.constantFrom("application/json", "application/geo+JSON ; x=y"),
    content: fc
      .jsonValue()
      .map((value) => Buffer.from(JSON.stringify(JSON.parse(JSON.stringify(value))))),
  }),
  fc.record({
    contentType: fc.constantFrom("application/octet-stream", "audio/ogg"),
    content: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  }),
);

const anyMessage = fc
  .tuple(
    fc.record(
      {
        type: fc.constant("message" as const),
        id: fc.tuple(epoch, integer).map(([e, seq]) => `${e}-${seq}`),
        room: anyRoom,
        target: fc.constantFrom("room" as const, "user" as const, "all" as const),
        at: integer,
        key: text,
        ephemeral: fc.constant(true),
      },
      { requiredKeys: ["type", "id", "target", "at"] },
    ),
    anyContent,
  )
  .map(([fields, content]) => ({ ...fields, ...content }));

export const anyServerFrame: fc.Arbitrary<ServerFrame> = fc.oneof(
  anyMessage,
  fc.record({
    type: fc.constant("welcome" as const),
    sessionId: text,
    userId: text,
    nodeId: text,
    position: anyPosition,
    heartbeatMs: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  }),
  fc.record(
    {
      type: fc.constant("joined" as const),
      id: integer,
      room: anyRoom,
      position: anyPosition,
      recovered: fc.boolean(),
      ticket: text,
    },
    { requiredKeys: ["type", "room", "position"] },
  ),
  fc.record(
    { type: fc.constant("left" as const), id: integer, room: anyRoom },
    { requiredKeys: ["type", "room"] },
  ),
  fc.record(
    {
      type: fc.constant("resumed" as const),
      id: integer,
      position: anyPosition,
      recovered: fc.boolean(),
    },
    { requiredKeys: ["type", "position", "recovered"] },
  ),
  fc.record({ type: fc.constant("position" as const), position: anyPosition }),
  fc.record(
    {
      type: fc.constant("gap" as const),
      room: anyRoom,
      scope: fc.constantFrom("room" as const, "self" as const, "all" as const),
      position: anyPosition,
    },
    { requiredKeys: ["type", "scope", "position"] },
  ),
  fc.record({
    type: fc.constant("reconnect" as const),
    afterMs: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    reason: fc.constantFrom("drain" as const, "rebalance" as const),
  }),
  fc.record({ type: fc.constant("token_accepted" as const), expiresAt: integer }),
  fc.constant({ type: "pong" as const }),
  fc.record(
    { type: fc.constant("error" as const), id: integer, code: text, message: text },
    { requiredKeys: ["type", "code", "message"] },
  ),
);
