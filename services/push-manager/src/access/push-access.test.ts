import { Metadata } from "@grpc/grpc-js";
import { ManualClock, type PeerNames } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { parseCallers } from "./callers-file.ts";
import { type CallOutcome, PushAccess } from "./push-access.ts";
import { RPCS, type Rpc } from "./rights.ts";

const TOKENS = { all: "token-of-the-one-who-may-all", shop: "token-of-the-shop-caller" };

function parse(callers: readonly object[]) {
  return parseCallers(Buffer.from(JSON.stringify({ callers })));
}

const CALLERS = [
  { name: "all", token: TOKENS.all, rpcs: ["*"], rooms: ["*"], certificate: "all.example" },
  {
    name: "shop",
    token: TOKENS.shop,
    certificate: "shop.example",
    rpcs: RPCS.filter((rpc) => rpc !== "BroadcastMessage" && rpc !== "GetUser"),
    rooms: ["shop:*", "lobby"],
  },
];

function accessOf(mode: "token" | "mtls" = "token", callers: readonly object[] = CALLERS) {
  const clock = new ManualClock();
  const judged: [string, CallOutcome][] = [];
  const strangers: string[] = [];
  let current = parse(callers);
  const access = new PushAccess({
    mode,
    callers: () => current,
    clock,
    onJudged: (name, outcome) => judged.push([name, outcome]),
    onStranger: (code) => strangers.push(code),
  });
  const enter = (authorization?: string, peer?: PeerNames) => {
    const metadata = new Metadata();
    if (authorization !== undefined) metadata.set("authorization", authorization);
    const error = access.guard({ path: "/x/y", metadata, peer });
    return { error, caller: access.callerOf(metadata) };
  };
  const change = (changed: readonly object[]) => {
    current = parse(changed);
  };
  return { access, clock, judged, strangers, enter, change };
}

function peer(commonName: string | undefined, ...dnsNames: string[]): PeerNames {
  return { commonName, dnsNames: new Set(dnsNames), uris: new Set(), emails: new Set() };
}

test.each([
  [undefined, "TOKEN_MISSING"],
  ["", "TOKEN_MISSING"],
  ["Bearer ", "TOKEN_MISSING"],
  [TOKENS.all, "TOKEN_MISSING"],
  [`Basic ${TOKENS.all}`, "TOKEN_MISSING"],
  [`Bearer ${TOKENS.all} x`, "TOKEN_MISSING"],
  ["Bearer not-one-of-them", "TOKEN_INVALID"],
  [`Bearer ${TOKENS.all.slice(1)}`, "TOKEN_INVALID"],
  [`Bearer ${TOKENS.all}`, undefined],
  [`bearer ${TOKENS.shop}`, undefined],
])("authorization %o is answered %o", (authorization, code) => {
  const { enter, strangers } = accessOf();
  const { error, caller } = enter(authorization);
  expect(error?.pushcastCode).toBe(code);
  expect(error?.code).toBe(code === undefined ? undefined : 16);
  expect(strangers).toEqual(code === undefined ? [] : [code]);
  if (code !== undefined) expect(caller.refusal("ListNodes", "")?.code).toBe(16);
});

test.each([
  [undefined, "CERTIFICATE_MISSING"],
  [peer("nobody", "nobody.example"), "CERTIFICATE_UNKNOWN"],
  [peer("shop.example", "all.example"), "CERTIFICATE_UNKNOWN"],
  [peer(undefined, "shop.example"), undefined],
  [peer("shop.example"), undefined],
])("certificate names %o are answered %o, whatever token comes with them", (names, code) => {
  const { enter } = accessOf("mtls");
  expect(enter(`Bearer ${TOKENS.all}`, names).error?.pushcastCode).toBe(code);
});

const NEEDS_ROOM: readonly Rpc[] = ["PushToRoom", "JoinRoom", "LeaveRoom", "GetRoom"];
const ROOMS = ["shop:1", "shop:", "lobby", "lobby2", "shop", "other:shop:1", ""];
const matrix = Object.keys(TOKENS).flatMap((name) =>
  RPCS.flatMap((rpc) => ROOMS.map((room) => [name, rpc, room] as const)),
);

/** The right answer, said apart from the code. */
function expected(name: string, rpc: Rpc, room: string): string | undefined {
  if (name === "all") return undefined;
  if (rpc === "BroadcastMessage" || rpc === "GetUser") return "RPC_FORBIDDEN";
  const own = ["shop:1", "shop:", "lobby"].includes(room);
  return own || (room === "" && !NEEDS_ROOM.includes(rpc)) ? undefined : "ROOM_FORBIDDEN";
}

test.each(matrix)("%s calls %s for the room %o", (name, rpc, room) => {
  const { enter, judged } = accessOf();
  const { caller } = enter(`Bearer ${TOKENS[name as keyof typeof TOKENS]}`);
  const refusal = caller.refusal(rpc, room);
  expect(refusal?.pushcastCode).toBe(expected(name, rpc, room));
  if (refusal !== undefined) expect(refusal.code).toBe(7);
  expect(judged).toEqual([[name, expected(name, rpc, room) ?? "ALLOWED"]]);
});

test("a caller has its rate, with a burst, over all its calls", () => {
  const { enter, clock } = accessOf("token", [
    { ...CALLERS[0], rate: 10, burst: 2 },
    { ...CALLERS[1] },
  ]);
  const codes = () =>
    [1, 2, 3].map(
      () => enter(`Bearer ${TOKENS.all}`).caller.refusal("PushToRoom", "r")?.pushcastCode,
    );
  expect(codes()).toEqual([undefined, undefined, "RATE_LIMITED"]);
  clock.advance(100);
  expect(codes()).toEqual([undefined, "RATE_LIMITED", "RATE_LIMITED"]);
  expect(enter(`Bearer ${TOKENS.shop}`).caller.refusal("ListNodes", "")).toBeUndefined();
});

test("a stream that is open is judged by the file as it is now", () => {
  const { enter, change } = accessOf();
  const { caller } = enter(`Bearer ${TOKENS.shop}`);
  expect(caller.refusal("PushToRoom", "shop:1")).toBeUndefined();
  change([CALLERS[0] ?? {}, { ...CALLERS[1], rooms: ["elsewhere"] }]);
  expect(caller.refusal("PushToRoom", "shop:1")?.pushcastCode).toBe("ROOM_FORBIDDEN");
  change([CALLERS[0] ?? {}]);
  expect(caller.refusal("PushToRoom", "shop:1")?.pushcastCode).toBe("TOKEN_INVALID");
  change(CALLERS);
  expect(caller.refusal("PushToRoom", "shop:1")).toBeUndefined();
});

test("the console may do everything, and is counted by its name", () => {
  const { access, judged } = accessOf();
  for (const rpc of RPCS) expect(access.console.refusal(rpc, "any")).toBeUndefined();
  expect(judged).toEqual(RPCS.map(() => ["console", "ALLOWED"]));
  expect(access.console.ownKey("k")).toBe("console:k");
});

test("a caller named console has the rights of the console, also when the file changes", () => {
  const { access, change } = accessOf();
  const { console: caller } = access;
  expect(caller.refusal("BroadcastMessage", "")).toBeUndefined();
  const limited = { name: "console", token: "token-of-the-console", rpcs: ["PushToRoom"] };
  change([...CALLERS, { ...limited, rooms: ["lobby"] }]);
  expect(caller.refusal("PushToRoom", "lobby")).toBeUndefined();
  expect(caller.refusal("PushToRoom", "other")?.pushcastCode).toBe("ROOM_FORBIDDEN");
  expect(caller.refusal("BroadcastMessage", "")?.pushcastCode).toBe("RPC_FORBIDDEN");
});
