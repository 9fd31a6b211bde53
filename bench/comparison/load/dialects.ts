import { binaryFrame, textFrame } from "./frames.ts";
import { MQTT_KIND, mqttConnect, mqttSubscribe } from "./mqtt.ts";

/** How a client gets into its room and stays there. */
export interface Dialect {
  readonly subprotocol?: string;
  /** Of the upgrade request. */
  path(room: string, client: number): string;
  /** Sent at once after the upgrade. */
  readonly greet?: (room: string, client: number) => Buffer;
  /** Whether the upgrade alone takes the client into its room. @default false */
  readonly isInByPath?: boolean;
  /** What a frame means that comes before the client is in its room. */
  readonly answer?: (payload: string, room: string) => Step;
  /** A frame to answer at any time, and its answer. */
  readonly heartbeat?: { readonly payload: string; readonly answer: Buffer };
  /** Whether messages and frames are independent of each other. @default false: one message a frame */
  readonly isStream?: boolean;
}

export type Step = "in" | "wait" | Buffer;

export type DialectName =
  | "pushcast"
  | "pushcast, in no room"
  | "plain"
  | "nchan"
  | "socket.io"
  | "mqtt"
  | "nats";

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  pushcast: {
    subprotocol: "pushcast.v1.json",
    path: (_room, client) => `/ws?user_id=client-${client}`,
    greet: (room) => textFrame(JSON.stringify({ type: "join", room })),
    answer: (payload) => (payload.startsWith('{"type":"joined"') ? "in" : "wait"),
  },
  "pushcast, in no room": {
    subprotocol: "pushcast.v1.json",
    path: (_room, client) => `/ws?user_id=client-${client}`,
    answer: (payload) => (payload.startsWith('{"type":"welcome"') ? "in" : "wait"),
  },
  plain: { path: (room) => `/room/${room}`, isInByPath: true },
  nchan: { path: (room) => `/sub/${room}`, isInByPath: true },
  "socket.io": {
    path: () => "/socket.io/?EIO=4&transport=websocket",
    answer: (payload, room) => {
      if (payload.startsWith("0")) return textFrame("40");
      if (payload.startsWith("40")) return textFrame(`420${JSON.stringify(["join", room])}`);
      return payload.startsWith("430") ? "in" : "wait";
    },
    heartbeat: { payload: "2", answer: textFrame("3") },
  },
  mqtt: {
    subprotocol: "mqtt",
    path: () => "/mqtt",
    greet: (_room, client) => binaryFrame(mqttConnect(`client-${client}`)),
    answer: (payload, room) => {
      const kind = payload.charCodeAt(0);
      if (kind === MQTT_KIND.connack) return binaryFrame(mqttSubscribe(room));
      return kind === MQTT_KIND.suback ? "in" : "wait";
    },
  },
  nats: {
    path: () => "/",
    greet: (room) => {
      const connect = JSON.stringify({ verbose: false, pedantic: false, headers: true });
      return binaryFrame(Buffer.from(`CONNECT ${connect}\r\nSUB ${room} 1\r\nPING\r\n`));
    },
    answer: (payload) => (payload.includes("PONG\r\n") ? "in" : "wait"),
    heartbeat: { payload: "PING\r\n", answer: binaryFrame(Buffer.from("PONG\r\n")) },
    isStream: true,
  },
};
