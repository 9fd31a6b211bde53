import type { Position } from "./position.ts";

/** What a client sends, checked. */
export type ClientFrame = JoinFrame | LeaveFrame | ResumeFrame | TokenFrame | PingFrame;

export interface JoinFrame {
  readonly type: "join";
  readonly id?: number;
  readonly room: string;
  /** Present, even if empty: replay what came after it. */
  readonly position?: Position;
  /** Present beside a position. */
  readonly awayMs?: number;
  readonly ticket?: string;
}

export interface LeaveFrame {
  readonly type: "leave";
  readonly id?: number;
  readonly room: string;
}

/** For *self*: the user's own pushes and the broadcasts. */
export interface ResumeFrame {
  readonly type: "resume";
  readonly id?: number;
  readonly position: Position;
  readonly awayMs: number;
}

export interface TokenFrame {
  readonly type: "token";
  readonly token: string;
}

export interface PingFrame {
  readonly type: "ping";
}
