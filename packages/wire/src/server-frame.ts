import type { Position } from "./position.ts";

/** What a server sends. Positions have at most `POSITION_ENTRIES_FROM_SERVER` entries. */
export type ServerFrame =
  | WelcomeFrame
  | JoinedFrame
  | LeftFrame
  | ResumedFrame
  | MessageFrame
  | PositionFrame
  | GapFrame
  | ReconnectFrame
  | TokenAcceptedFrame
  | PongFrame
  | ErrorFrame;

export interface WelcomeFrame {
  readonly type: "welcome";
  readonly sessionId: string;
  readonly userId: string;
  readonly nodeId: string;
  readonly position: Position;
  /** An integer. */
  readonly heartbeatMs: number;
}

export interface JoinedFrame {
  readonly type: "joined";
  /** Absent when the biz-server did it. */
  readonly id?: number;
  readonly room: string;
  readonly position: Position;
  /** Absent when the client sent no position. */
  readonly recovered?: boolean;
  readonly ticket?: string;
}

export interface LeftFrame {
  readonly type: "left";
  readonly id?: number;
  readonly room: string;
}

export interface ResumedFrame {
  readonly type: "resumed";
  readonly id?: number;
  readonly position: Position;
  readonly recovered: boolean;
}

export type MessageTarget = "room" | "user" | "all";

export interface MessageFrame {
  readonly type: "message";
  /** `"<epoch>-<seq>"` */
  readonly id: string;
  /** Present: it belongs to that room's subscription. Absent: to *self*. */
  readonly room?: string;
  readonly target: MessageTarget;
  /** As the publisher gave it; the frame says `text/plain` for an empty one. */
  readonly contentType: string;
  /** Content in which `contentProblem` found nothing: a JSON frame holds JSON as it is. */
  readonly content: Uint8Array;
  /** Unix milliseconds, an integer. */
  readonly at: number;
  /** The `keyHash` of the idempotency key. */
  readonly key?: string;
  readonly ephemeral?: boolean;
}

/** Everything up to here has been written, in every subscription that was answered. */
export interface PositionFrame {
  readonly type: "position";
  readonly position: Position;
}

export type GapScope = "room" | "self" | "all";

export interface GapFrame {
  readonly type: "gap";
  /** With scope `room`. */
  readonly room?: string;
  readonly scope: GapScope;
  readonly position: Position;
}

export type ReconnectReason = "drain" | "rebalance";

export interface ReconnectFrame {
  readonly type: "reconnect";
  /** An integer. */
  readonly afterMs: number;
  readonly reason: ReconnectReason;
}

export interface TokenAcceptedFrame {
  readonly type: "token_accepted";
  /** Unix milliseconds, an integer. */
  readonly expiresAt: number;
}

export interface PongFrame {
  readonly type: "pong";
}

export interface ErrorFrame {
  readonly type: "error";
  readonly id?: number;
  /** One of `ERROR_CODES`, or of a later version's. */
  readonly code: string;
  readonly message: string;
}
