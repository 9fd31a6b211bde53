import type { Message } from "./message.ts";
import type { PositionRecord } from "./position.ts";
import type { Claim } from "./subscription.ts";

/** What the client sends, but for what is undefined. */
export type ClientFrame =
  | (Claim & {
      readonly type: "join";
      readonly id: number;
      readonly room: string;
      readonly ticket: string | undefined;
    })
  | { readonly type: "leave"; readonly id: number; readonly room: string }
  | (Claim & { readonly type: "resume"; readonly id: number })
  | { readonly type: "token"; readonly token: string }
  | { readonly type: "ping" };

/** What the server sends, as far as the client acts on it. */
export type ServerFrame =
  | WelcomeFrame
  | JoinedFrame
  | { readonly type: "left"; readonly id?: number; readonly room: string }
  | ResumedFrame
  | MessageFrame
  | { readonly type: "position"; readonly position: PositionRecord }
  | GapFrame
  | { readonly type: "reconnect"; readonly afterMs: number }
  | TokenAcceptedFrame
  | { readonly type: "pong" }
  | ErrorFrame;

export interface WelcomeFrame {
  readonly type: "welcome";
  readonly sessionId: string;
  readonly userId: string;
  readonly nodeId: string;
  readonly position: PositionRecord;
  readonly heartbeatMs: number;
}

export interface JoinedFrame {
  readonly type: "joined";
  /** Absent when the biz-server did it. */
  readonly id?: number;
  readonly room: string;
  readonly position: PositionRecord;
  readonly recovered?: boolean;
  readonly ticket?: string;
}

export interface ResumedFrame {
  readonly type: "resumed";
  readonly id?: number;
  readonly position: PositionRecord;
  readonly recovered: boolean;
}

export interface MessageFrame {
  readonly type: "message";
  readonly epoch: string;
  readonly seq: number;
  readonly message: Message;
}

export interface GapFrame {
  readonly type: "gap";
  readonly scope: "room" | "self" | "all";
  /** There with the scope `room`. */
  readonly room?: string;
  readonly position: PositionRecord;
}

export interface TokenAcceptedFrame {
  readonly type: "token_accepted";
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

export interface ErrorFrame {
  readonly type: "error";
  readonly id?: number;
  readonly code: string;
  readonly message: string;
}
