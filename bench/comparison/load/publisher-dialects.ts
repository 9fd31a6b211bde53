import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { PushStreamRequest, PushStreamResponse, StreamPush } from "@pushcast/api";
import { ManagerClient } from "../../../test/support/manager-client.ts";
import { textFrame } from "./frames.ts";
import type { Target } from "./messages.ts";
import { mqttConnect, mqttPublish } from "./mqtt.ts";
import { HEAD_END, writeUpgrade } from "./upgrade.ts";

/** A connection of a publisher, which speaks what the system's own publishers speak. */
export interface PublisherConnection {
  /** Collected until `flush`. */
  publish(room: number, content: string): void;
  flush(): void;
  /** Resolves with the number of refused pushes when all have been answered, where pushes are. */
  settle(): Promise<number>;
}

export type PublisherDialectName = "pushcast" | "plain" | "nchan" | "socket.io" | "mqtt" | "nats";

type Connect = (target: Target, roomIds: readonly string[]) => Promise<PublisherConnection>;

export const PUBLISHER_DIALECTS: Readonly<Record<PublisherDialectName, Connect>> = {
  pushcast: async ({ host, port }, roomIds) => new PushStreamConnection(`${host}:${port}`, roomIds),
  plain: async (target, roomIds) => {
    const socket = await openWebSocket(target, "/publish");
    return new SocketConnection([socket], (room, content) =>
      textFrame(`${roomIds[room] ?? ""}\n${content}`),
    );
  },
  // A WebSocket publishes to one channel.
  nchan: async (target, roomIds) => {
    const sockets: Socket[] = [];
    for (const room of roomIds) sockets.push(await openWebSocket(target, `/pub/${room}`));
    return new SocketConnection(sockets, (_room, content) => textFrame(content));
  },
  "socket.io": async (target, roomIds) => {
    const socket = await openWebSocket(target, "/socket.io/?EIO=4&transport=websocket");
    socket.write(textFrame("40"));
    return new SocketConnection([socket], (room, content) =>
      textFrame(`42${JSON.stringify(["push", roomIds[room], content])}`),
    );
  },
  mqtt: async (target, roomIds) => {
    const socket = await openSocket(target);
    socket.write(mqttConnect("publisher"));
    return new SocketConnection([socket], (room, content) =>
      mqttPublish(roomIds[room] ?? "", content),
    );
  },
  nats: async (target, roomIds) => {
    const socket = await openSocket(target);
    socket.write('CONNECT {"verbose":false,"pedantic":false}\r\n');
    return new SocketConnection([socket], (room, content) =>
      Buffer.from(`PUB ${roomIds[room] ?? ""} ${content.length}\r\n${content}\r\n`),
    );
  },
};

/** With one socket for all rooms, or one for each. */
class SocketConnection implements PublisherConnection {
  readonly #sockets: readonly Socket[];
  readonly #encode: (room: number, content: string) => Buffer;

  constructor(sockets: readonly Socket[], encode: (room: number, content: string) => Buffer) {
    this.#sockets = sockets;
    this.#encode = encode;
    // What servers answer is not looked at.
    for (const socket of sockets) socket.resume();
  }

  publish(room: number, content: string): void {
    const socket = this.#sockets[room % this.#sockets.length];
    if (socket === undefined) return;
    if (socket.writableCorked === 0) socket.cork();
    socket.write(this.#encode(room, content));
  }

  flush(): void {
    for (const socket of this.#sockets) socket.uncork();
  }

  async settle(): Promise<number> {
    return 0;
  }
}

class PushStreamConnection implements PublisherConnection {
  readonly #roomIds: readonly string[];
  readonly #stream: ClientDuplexStream<PushStreamRequest, PushStreamResponse>;
  #collected: StreamPush[] = [];
  #awaited = 0;
  #refused = 0;
  #onSettled: (() => void) | undefined;

  constructor(address: string, roomIds: readonly string[]) {
    this.#roomIds = roomIds;
    this.#stream = new ManagerClient(address).openPushStream();
    this.#stream.on("data", ({ results }: PushStreamResponse) => {
      this.#refused += results.filter(({ code }) => code !== 0).length;
      this.#awaited -= results.length;
      if (this.#awaited === 0) this.#onSettled?.();
    });
  }

  publish(room: number, content: string): void {
    this.#collected.push({
      requestId: "",
      push: {
        $case: "pushToRoom",
        value: {
          roomId: this.#roomIds[room] ?? "",
          content: Buffer.from(content),
          contentType: "",
          idempotencyKey: "",
          excludeUserIds: [],
          ephemeral: false,
          wait: 0,
        },
      },
    });
  }

  flush(): void {
    if (this.#collected.length === 0) return;
    this.#awaited += this.#collected.length;
    this.#stream.write({ pushes: this.#collected });
    this.#collected = [];
  }

  settle(): Promise<number> {
    return new Promise((resolve) => {
      this.#onSettled = () => resolve(this.#refused);
      if (this.#awaited === 0) this.#onSettled();
    });
  }
}

async function openSocket({ host, port }: Target): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, "connect");
  return socket;
}

async function openWebSocket(target: Target, path: string): Promise<Socket> {
  const socket = await openSocket(target);
  writeUpgrade(socket, { ...target, path });
  const [head] = (await once(socket, "data")) as [Buffer];
  const answer = head.toString("latin1");
  if (answer.startsWith("HTTP/1.1 101") && answer.includes(HEAD_END)) return socket;
  throw new Error(`the publisher was answered ${answer}`);
}
