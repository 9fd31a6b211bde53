export type {
  Client,
  ClientEvents,
  ClientState,
  FeedEvents,
  Gap,
  GapReason,
  Room,
  RoomEvents,
  RoomState,
  Self,
} from "./api.ts";
export type { Clock } from "./clock.ts";
export type { CloseName } from "./close-codes.ts";
export type { Subprotocol } from "./codec.ts";
export { connect } from "./connect.ts";
export type { Content, Message, MessageTarget } from "./message.ts";
export type { Network } from "./network.ts";
export type { ConnectOptions } from "./options.ts";
export type { Warning, WarningCode } from "./warning.ts";
export type { WebSocketConstructor, WebSocketLike } from "./web-socket.ts";
