import {
  clientCodec,
  JSON_SUBPROTOCOL,
  type MessageFrame,
  PROTO_SUBPROTOCOL,
} from "@pushcast/wire";
import { describe, expect } from "vitest";
import { it, type NodeStage } from "../support/node-stage.ts";
import { RawSession } from "../support/raw-session.ts";
import { clientFrame } from "../support/raw-socket.ts";
import type { ScriptedManager } from "../support/scripted-manager.ts";
import type { StrictFrame } from "../support/strict-frames.ts";

const EPOCH = "00000000000000aa";
const ROOM = "r";
const [PING, PONG, CLOSE] = [0x9, 0xa, 0x8];
const HEARTBEAT_MS = 1_600;

describe.each([JSON_SUBPROTOCOL, PROTO_SUBPROTOCOL] as const)(
  "what is written in %s",
  (subprotocol) => {
    const codec = clientCodec(subprotocol);
    const dataOpcode = codec.binary ? 0x2 : 0x1;

    async function openRaw(stage: NodeStage): Promise<RawSession> {
      const session = await RawSession.open(
        stage.ready.ports.ws,
        "raw",
        `Sec-WebSocket-Protocol: ${subprotocol}\r\n`,
      );
      session.write(clientFrame(0x80 | dataOpcode, codec.encode({ type: "join", room: ROOM })));
      await session.until(() => session.frames.length >= 2);
      return session;
    }

    function messagesOf(session: RawSession): { frame: StrictFrame; message: MessageFrame }[] {
      return session.frames.flatMap((frame) => {
        if (frame.opcode >= CLOSE) return [];
        expect(frame.opcode).toBe(dataOpcode);
        const decoded = codec.decode(frame.payload, codec.binary);
        if (!decoded.ok) throw new Error(decoded.problem);
        return decoded.frame.type === "message" ? [{ frame, message: decoded.frame }] : [];
      });
    }

    const textsOf = (session: RawSession) =>
      messagesOf(session).map(({ message }) => Buffer.from(message.content).toString());

    /** Pushes a text whose frame has just so many bytes of payload. */
    async function pushPayload(
      manager: ScriptedManager,
      session: RawSession,
      payloadBytes: number,
    ): Promise<StrictFrame> {
      let contentBytes = payloadBytes - 150;
      for (;;) {
        const before = messagesOf(session).length;
        await manager.push({ roomId: ROOM, content: "x".repeat(contentBytes) });
        await session.until(() => messagesOf(session).length > before);
        const { frame, message } = messagesOf(session).at(-1) ?? {};
        if (frame === undefined || message === undefined) throw new Error("no message");
        expect(message.content).toHaveLength(contentBytes);
        if (frame.payload.length === payloadBytes) return frame;
        contentBytes += payloadBytes - frame.payload.length;
      }
    }

    /** Has an answer written whose frame has just so many bytes of payload. */
    async function answerPayload(session: RawSession, payloadBytes: number): Promise<StrictFrame> {
      let roomBytes = payloadBytes - 50;
      for (;;) {
        const before = session.frames.length;
        const room = "x".repeat(roomBytes);
        session.write(clientFrame(0x80 | dataOpcode, codec.encode({ type: "leave", room })));
        await session.until(() => session.frames.length > before);
        const frame = session.frames.at(-1) as StrictFrame;
        expect(codec.decode(frame.payload, codec.binary)).toMatchObject({
          frame: { type: "left", room },
        });
        if (frame.payload.length === payloadBytes) return frame;
        roomBytes += payloadBytes - frame.payload.length;
      }
    }

    it.for([
      [125, 2],
      [126, 4],
    ] as const)(
      "as an answer of %i bytes has a header of %i",
      async ([bytes, header], { stage }) => {
        await stage.start();
        const session = await openRaw(stage);
        expect((await answerPayload(session, bytes)).headerBytes).toBe(header);
        session.socket.destroy();
      },
    );

    it.for([
      [200, 4],
      [65_535, 4],
      [65_536, 10],
    ] as const)(
      "as a message of %i bytes has a header of %i",
      async ([bytes, header], { stage }) => {
        await stage.start();
        const manager = await stage.manager(EPOCH);
        // `ws` on this side reads strictly, too: what is no frame fails the test at its end.
        const independent = await stage.client({ userId: "independent", subprotocol });
        await independent.join(ROOM);
        const session = await openRaw(stage);
        const frame = await pushPayload(manager, session, bytes);
        expect(frame.headerBytes).toBe(header);
        await independent.count(messagesOf(session).length);
        expect(independent.texts).toEqual(textsOf(session));
        session.socket.destroy();
      },
    );

    it("stays whole where pings, pongs and joined messages meet", async ({ stage }) => {
      await stage.start({ HEARTBEAT_MS: String(HEARTBEAT_MS) });
      const manager = await stage.manager(EPOCH);
      const independent = await stage.client({ userId: "independent", subprotocol });
      await independent.join(ROOM);
      const session = await openRaw(stage);
      const ROUNDS = 30;
      const expected: string[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        session.write(clientFrame(0x80 | PING, `before ${round}`));
        const texts = Array.from({ length: 20 }, (_, n) => `${round}-${n}`.padEnd(n * 20, "."));
        expected.push(...texts);
        const acknowledged = manager.push(...texts.map((content) => ({ roomId: ROOM, content })));
        session.write(clientFrame(0x80 | PING, `after ${round}`));
        // A sixteenth of the sessions is pinged in each step.
        await stage.pass(HEARTBEAT_MS / 4, HEARTBEAT_MS / 16);
        await acknowledged;
      }
      const pongs = () => session.frames.filter(({ opcode }) => opcode === PONG);
      await session.until(() => textsOf(session).length >= expected.length);
      await session.until(() => pongs().length >= 2 * ROUNDS);
      expect(textsOf(session)).toEqual(expected);
      expect(pongs().map(({ payload }) => payload.toString())).toEqual(
        Array.from({ length: ROUNDS }, (_, round) => [`before ${round}`, `after ${round}`]).flat(),
      );
      const pings = session.frames.filter(({ opcode }) => opcode === PING);
      expect(pings.length).toBeGreaterThan(2);
      await independent.count(expected.length);
      expect(independent.texts).toEqual(expected);
      session.socket.destroy();
    });

    it("ends with the close frame where the server closes in mid-flush", async ({ stage }) => {
      await stage.start();
      const manager = await stage.manager(EPOCH);
      const session = await openRaw(stage);
      const numbered = (from: number) =>
        Array.from({ length: 20 }, (_, n) => ({ roomId: ROOM, content: String(from + n) }));
      const disconnect = { userId: "raw", code: 4321, reason: "enough", revokeIssuedBeforeMs: 0n };
      await manager.push(
        ...numbered(0),
        { content: "", command: { kind: { $case: "disconnect", value: disconnect } } },
        ...numbered(20),
      );
      await session.until(() => session.closeCode !== undefined);
      expect(textsOf(session)).toEqual(numbered(0).map(({ content }) => content));
      const close = session.frames.at(-1)?.payload;
      expect(close?.readUInt16BE(0)).toBe(4321);
      expect(close?.toString("utf8", 2)).toBe("enough");
      session.write(clientFrame(0x80 | CLOSE, Buffer.from([4321 >> 8, 4321 & 0xff])));
      await session.ended;
      expect(session.frames.at(-1)?.opcode).toBe(CLOSE);
    });

    it("ends with the close frame where the client closes in mid-flush", async ({ stage }) => {
      await stage.start();
      const manager = await stage.manager(EPOCH);
      const session = await openRaw(stage);
      const pushes = Array.from({ length: 20 }, async (_, n) => {
        const acknowledged = manager.push({ roomId: ROOM, content: String(n) });
        if (n === 10) session.write(clientFrame(0x80 | CLOSE, Buffer.from([0x03, 0xe8])));
        await acknowledged;
      });
      await Promise.all(pushes);
      await session.ended;
      // Strictly read: nothing follows the close frame, and nothing is cut.
      expect(session.closeCode).toBe(1000);
      const texts = textsOf(session);
      expect(texts).toEqual(texts.map((_, n) => String(n)));
    });
  },
);
