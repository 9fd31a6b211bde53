import fc from "fast-check";
import { expect, test } from "vitest";
import { type Happening, type Pushed, World, type WorldOptions } from "../test/delivery-world.ts";

/** Of the whole test; another finds other sequences. */
const SEED = Number(process.env.SEED ?? 20250101);
const RUNS = Number(process.env.RUNS ?? 600);

const user = fc.nat(3);
const room = fc.nat(2);
const session = fc.nat(7);
const someUsers = fc.oneof(
  { weight: 3, arbitrary: fc.constant([] as number[]) },
  { weight: 1, arbitrary: fc.array(user, { minLength: 1, maxLength: 3 }) },
);

const publication: fc.Arbitrary<Pushed> = fc.record({
  kind: fc.constant("publication" as const),
  room: fc.option(room, { nil: undefined, freq: 3 }),
  users: someUsers,
  excluded: someUsers,
  ephemeral: fc.oneof(
    { weight: 4, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  bytes: fc.nat(300),
  key: fc.option(fc.nat(3), { nil: undefined, freq: 3 }),
});
const command: fc.Arbitrary<Pushed> = fc.oneof(
  fc.record({ kind: fc.constantFrom("join" as const, "leave" as const), user, room }),
  fc.record({ kind: fc.constant("disconnect" as const), user }),
);
const pushes = fc.oneof(
  { weight: 3, arbitrary: publication.map((one) => [one]) },
  {
    weight: 2,
    arbitrary: fc.array(
      fc.oneof({ weight: 5, arbitrary: publication }, { weight: 1, arbitrary: command }),
      { minLength: 1, maxLength: 5 },
    ),
  },
);
const lost = fc.oneof(
  { weight: 15, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constant("message" as const),
      manager: fc.nat(1),
      lost,
      pushes,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("repeat" as const), manager: fc.nat(1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("batch" as const), push: publication }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("open" as const),
      user,
      proto: fc.boolean(),
      resumes: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), session }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("join" as const),
      session,
      room,
      back: fc.option(fc.nat(20), { nil: undefined, freq: 1 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave" as const), session, room }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("resume" as const), session, back: fc.nat(20) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("stop" as const),
      session,
      afterBytes: fc.nat(1500),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      session,
      bytes: fc.oneof(fc.nat(3000), fc.constant(Number.POSITIVE_INFINITY)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reconnect" as const), session }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("link" as const),
      manager: fc.nat(1),
      up: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("newManager" as const), tail: fc.nat(2) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("turns" as const),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "settle" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(3000) }),
  },
);

const options: fc.Arbitrary<WorldOptions> = fc
  .record({
    LOG_BYTES: fc.constantFrom(1_000, 3_000, 10_000, 1_000_000),
    SESSION_BUFFER_BYTES: fc.constantFrom(300, 2_000),
    FRAME_CACHE_BYTES: fc.constantFrom(0, 600, 1_000_000),
    LAG_SECONDS: fc.constantFrom(0.2, 4),
    MAX_REPLAY_MESSAGES: fc.constantFrom(3, 10_000),
    FLUSH_WINDOW_MS: fc.constantFrom(0, 20),
    flushSends: fc.constantFrom(1, 512),
    sessionEntries: fc.constantFrom(2, 128),
    entries: fc.constantFrom(3, 1024),
  })
  .map(({ flushSends, sessionEntries, entries, ...settings }) => ({
    settings: { LOG_SECONDS: 5, ...settings },
    budget: { flushSends, sessionEntries, entries },
  }));

/** A node in use, so that sequences begin where something can happen. */
const START: readonly Happening[] = [
  // A log that is too young recovers nobody.
  { kind: "pass", ms: 10_000 },
  { kind: "open", user: 0, proto: false, resumes: false },
  { kind: "open", user: 1, proto: true, resumes: false },
  { kind: "open", user: 2, proto: false, resumes: false },
  { kind: "join", session: 0, room: 0, back: undefined },
  { kind: "join", session: 1, room: 0, back: undefined },
  { kind: "join", session: 2, room: 1, back: undefined },
];

test("while a connection lasts, every publication of its subscriptions comes once and in order", {
  timeout: 120_000,
}, async () => {
  let messages = 0;
  let recoveries = 0;
  await fc.assert(
    fc.asyncProperty(
      options,
      fc.array(happening, { minLength: 5, maxLength: 60, size: "max" }),
      async (worldOptions, sequence) => {
        const world = new World(worldOptions);
        for (const one of START) await world.apply(one);
        for (const one of sequence) await world.apply(one);
        const finished = await world.finish();
        messages += finished.messages;
        recoveries += finished.recoveries;
      },
    ),
    { seed: SEED, numRuns: RUNS },
  );
  // A world in which nothing arrives would prove nothing.
  expect(messages).toBeGreaterThan(RUNS * 10);
  expect(recoveries).toBeGreaterThan(RUNS / 2);
});
