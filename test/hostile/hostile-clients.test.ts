import { createConnection } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import type { RunningNode, Settings } from "../support/processes.ts";
import { RawSession } from "../support/raw-session.ts";
import { clientFrame, exchange, splitHead, upgradeRequest } from "../support/raw-socket.ts";
import { it, type Stage } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

const ROOM = "live";
const [TEXT, CONTINUATION, CLOSE, PING, PONG] = [0x1, 0x0, 0x8, 0x9, 0xa];
const FIN = 0x80;
const PUSH_EVERY_MS = 5;

const portOf = (node: RunningNode) => Number(new URL(node.wsUrl).port);

/** What is done to a node while three clients of it are pushed to: they get everything, in order. */
async function beside(
  stage: Stage,
  settings: Settings,
  attack: (node: RunningNode) => Promise<void>,
): Promise<void> {
  const { nodes, publisher } = await stage.cluster(1, { node: settings });
  const [node] = nodes;
  if (node === undefined) throw new Error("a node is needed");
  const clients = await Promise.all(
    ["ann", "bob", "cat"].map((userId) => stage.client(node, { userId })),
  );
  for (const client of clients) await client.join(ROOM);
  const pushing = new SteadyPushes(publisher, ROOM, PUSH_EVERY_MS);
  try {
    await attack(node);
    const before = pushing.sent;
    await until("pushes after the attack", () => pushing.sent > before + 10);
  } finally {
    const pushed = await pushing.stop();
    expect(pushing.refused).toEqual([]);
    for (const client of clients) {
      await client.count(pushed.length);
      expect(client.texts).toEqual(pushed);
    }
  }
}

async function closedWith(session: RawSession): Promise<number | undefined> {
  await session.until(() => session.closeCode !== undefined);
  const code = session.closeCode;
  session.socket.destroy();
  return code;
}

const untilSessions = (node: RunningNode, sessions: number) =>
  until(
    `${sessions} sessions`,
    async () => (await node.metrics()).value("connect_node_sessions") === sessions,
  );

const statusOf = (answer: Buffer) => Number(splitHead(answer)?.head.split(" ", 2)[1]);
const codeOf = (answer: Buffer) => JSON.parse(String(splitHead(answer)?.body)).error.code;

describe("live clients are served beside clients that", { timeout: 60_000 }, () => {
  it("send their handshakes a byte at a time", async ({ stage }) => {
    await beside(stage, { HANDSHAKE_SECONDS: 0.5 }, async (node) => {
      const SLOW = 200;
      const answers = await Promise.all(
        Array.from({ length: SLOW }, async (_, n) => {
          const socket = createConnection(portOf(node), "127.0.0.1");
          let answer = "";
          socket.on("data", (data) => {
            answer += data;
          });
          socket.on("error", () => {});
          for (const byte of upgradeRequest(`slow-${n}`)) {
            if (socket.destroyed || answer !== "") break;
            socket.write(Buffer.from([byte]));
            await sleep(20);
          }
          socket.destroy();
          return answer;
        }),
      );
      for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
      const timeouts = { reason: "REQUEST_TIMEOUT" };
      const metrics = await node.metrics();
      expect(metrics.value("connect_node_rejections_total", timeouts)).toBe(SLOW);
    });
  });

  it("send huge headers", async ({ stage }) => {
    await beside(stage, { MAX_HEADER_BYTES: 4096 }, async (node) => {
      const requests = [
        upgradeRequest("huge", `X-Long: ${"x".repeat(4096)}\r\n`),
        upgradeRequest("huge".repeat(2_000)),
        // One that never ends.
        Buffer.from(`GET /ws?user_id=huge HTTP/1.1\r\nX: ${"x".repeat(8192)}`),
        upgradeRequest("huge", "A: b\r\n".repeat(3_000)),
      ];
      for (const request of requests) {
        const answer = await exchange(portOf(node), [request]);
        expect([statusOf(answer), codeOf(answer)]).toEqual([431, "HEADERS_TOO_LARGE"]);
      }
      const reason = { reason: "HEADERS_TOO_LARGE" };
      const metrics = await node.metrics();
      expect(metrics.value("connect_node_rejections_total", reason)).toBe(requests.length);
      const short = await RawSession.open(portOf(node), "short", `X: ${"x".repeat(3_000)}\r\n`);
      short.socket.destroy();
    });
  });

  it("join and leave 10,000 times as fast as they can", async ({ stage }) => {
    const free = { FRAME_RATE: 100_000, FRAME_BURST: 100_000 };
    await beside(stage, free, async (node) => {
      const session = await RawSession.open(portOf(node), "joiner");
      for (let n = 0; n < 10_000; n += 1) {
        for (const type of ["join", "leave"]) {
          session.write(
            clientFrame(FIN | TEXT, JSON.stringify({ type, id: n, room: `room-${n}` })),
          );
        }
      }
      const last = Buffer.from('{"type":"left","id":9999,"room":"room-9999"}');
      await session.until(() => session.endsWith(last));
      expect(session.frames).toHaveLength(1 + 2 * 10_000);
      expect((await node.metrics()).value("connect_node_rooms")).toBe(1);
      session.socket.destroy();
      await untilSessions(node, 3);
    });
  });

  const flood = JSON.stringify({ type: "ping" });
  it.for([
    ["frames", clientFrame(FIN | TEXT, flood)],
    ["pings", clientFrame(FIN | PING, "?")],
    ["pongs", clientFrame(FIN | PONG, "!")],
  ] as const)("flood it with %s", async ([, frame], { stage }) => {
    await beside(stage, { FRAME_RATE: 100, FRAME_BURST: 1000 }, async (node) => {
      const FLOODERS = 10;
      const together = Buffer.concat(Array.from({ length: 2_000 }, () => frame));
      const codes = await Promise.all(
        Array.from({ length: FLOODERS }, async (_, n) => {
          const session = await RawSession.open(portOf(node), `flooder-${n}`);
          session.write(together);
          return await closedWith(session);
        }),
      );
      expect(codes).toEqual(Array(FLOODERS).fill(4429));
      const metrics = await node.metrics();
      expect(metrics.value("connect_node_closes_total", { code: "4429" })).toBe(FLOODERS);
      await untilSessions(node, 3);
    });
  });

  it("ask and never read, or are gone without a word", async ({ stage }) => {
    await beside(stage, { HEARTBEAT_MS: 500 }, async (node) => {
      const silent = await Promise.all(
        Array.from({ length: 20 }, (_, n) => RawSession.open(portOf(node), `silent-${n}`)),
      );
      for (const session of silent) {
        session.socket.pause();
        session.write(clientFrame(FIN | TEXT, '{"type":"join","room":"live"}'));
      }
      const silentCloses = async () =>
        (await node.metrics()).value("connect_node_closes_total", { code: "4408" });
      await until("they are closed", async () => (await silentCloses()) === silent.length);
      await untilSessions(node, 3);
      for (const session of silent) session.socket.destroy();
    });
  });

  it("write what RFC 6455 forbids", async ({ stage }) => {
    const unmasked = Buffer.from([FIN | TEXT, 2, 0x7b, 0x7d]);
    const lie = Buffer.concat([Buffer.from([FIN | TEXT, 0x80 | 127]), Buffer.alloc(12, 0x7f)]);
    const forbidden: [what: string, bytes: Buffer, code: number][] = [
      ["no mask", unmasked, 1002],
      ["a reserved bit", clientFrame(FIN | 0x40 | TEXT, flood), 1002],
      ["an opcode that nobody knows", clientFrame(FIN | 0x3, flood), 1002],
      ["a continuation of nothing", clientFrame(FIN | CONTINUATION, flood), 1002],
      [
        "a text within a text",
        Buffer.concat([clientFrame(TEXT, "{"), clientFrame(TEXT, "}")]),
        1002,
      ],
      ["a ping in fragments", clientFrame(PING, "?"), 1002],
      ["a ping of 126 bytes", clientFrame(FIN | PING, "x".repeat(126)), 1002],
      ["a close of one byte", clientFrame(FIN | CLOSE, "x"), 1002],
      ["a close with no such code", clientFrame(FIN | CLOSE, Buffer.from([0x03, 0xed])), 1002],
      ["a length beyond all", lie, 1009],
      ["a frame over the limit", clientFrame(FIN | TEXT, "x".repeat(5_000)), 1009],
      ["a text that is not UTF-8", clientFrame(FIN | TEXT, Buffer.from([0xff])), 1007],
      [
        "fragments for ever, of nothing",
        Buffer.concat([clientFrame(TEXT, ""), ...Array(300).fill(clientFrame(CONTINUATION, ""))]),
        1008,
      ],
      [
        "fragments for ever",
        Buffer.concat([clientFrame(TEXT, "x"), ...Array(300).fill(clientFrame(CONTINUATION, "x"))]),
        1008,
      ],
      [
        "fragments of too much",
        Buffer.concat(
          Array.from({ length: 6 }, (_, n) =>
            clientFrame(n === 0 ? TEXT : CONTINUATION, "x".repeat(1_000)),
          ),
        ),
        1009,
      ],
    ];
    await beside(stage, { MAX_FRAME_BYTES: 4096 }, async (node) => {
      const closed: [string, number | undefined][] = [];
      for (const [what, bytes] of forbidden) {
        const session = await RawSession.open(portOf(node), "breaker");
        session.write(bytes);
        closed.push([what, await closedWith(session)]);
      }
      expect(closed).toEqual(forbidden.map(([what, , code]) => [what, code]));
      const metrics = await node.metrics();
      for (const code of new Set(forbidden.map(([, , one]) => one))) {
        const count = forbidden.filter(([, , one]) => one === code).length;
        expect(metrics.value("connect_node_closes_total", { code: String(code) })).toBe(count);
      }
      await untilSessions(node, 3);
    });
  });

  it("open more sessions than a user or an address may have", async ({ stage }) => {
    const settings = {
      MAX_SESSIONS_PER_USER: 2,
      MAX_SESSIONS_PER_ADDRESS: 5,
      TRUSTED_PROXIES: "127.0.0.0/8",
    };
    await beside(stage, settings, async (node) => {
      const from = (address: string) => `X-Forwarded-For: 192.0.2.66, ${address}\r\n`;
      const open = (userId: string, address: string) =>
        RawSession.open(portOf(node), userId, from(address));
      const refused = async (userId: string, address: string) => {
        const answer = await exchange(portOf(node), [upgradeRequest(userId, from(address))]);
        expect(statusOf(answer)).toBe(429);
        expect(splitHead(answer)?.head).toMatch(/^retry-after: \d+$/im);
        return codeOf(answer);
      };
      const sessions = [await open("dan", "198.51.100.1"), await open("dan", "198.51.100.2")];
      expect(await refused("dan", "198.51.100.3")).toBe("TOO_MANY_SESSIONS_OF_USER");
      for (const user of ["e", "f", "g", "h"]) sessions.push(await open(user, "198.51.100.1"));
      expect(await refused("i", "198.51.100.1")).toBe("TOO_MANY_SESSIONS_OF_ADDRESS");
      sessions.push(await open("i", "198.51.100.2"));
      sessions[0]?.socket.destroy();
      await untilSessions(node, 3 + sessions.length - 1);
      const [again, other] = [await open("dan", "198.51.100.1"), sessions.slice(1)];
      for (const { socket } of [again, ...other]) socket.destroy();
    });
  });
});
